import * as v from "valibot";
import type { Queryable } from "../../core/queryable.js";
import type { DeadLetterFilter } from "../../dead-letters/filter.js";
import { type DeadLetter, listDeadLetters } from "../../dead-letters/list.js";
import { summarizeDeadLetters } from "../../dead-letters/summarize.js";
import type { Api } from "../api.js";
import { filterEntries, filterOf } from "../dead-letter-query.js";
import { jobRow } from "../job-views.js";
import { linkOf } from "../link.js";
import type { DashboardSettings } from "../options.js";
import { page, queryOf } from "../query.js";
import type { DeadLetterGroupsView, DeadLetterListView } from "../wire.js";

const groupsQuery = v.strictObject(filterEntries);
const listQuery = v.strictObject({ ...filterEntries, ...page });

export function deadLetterRoutes(api: Api): void {
  api.read("/dead-letters/groups", (db, request) => groups(db, filterOf(queryOf(request, groupsQuery))));
  api.read("/dead-letters", (db, request) => {
    const { cursor, limit, ...filter } = queryOf(request, listQuery);
    return list(db, filterOf(filter), { cursor, limit }, api.settings);
  });
}

async function groups(db: Queryable, filter: DeadLetterFilter): Promise<DeadLetterGroupsView> {
  const summary = await summarizeDeadLetters(db, filter);
  return {
    count: summary.count,
    groups: summary.groups.map(({ oldest, newest, ...group }) => ({
      ...group,
      oldest: oldest.toISOString(),
      newest: newest.toISOString(),
    })),
  };
}

async function list(
  db: Queryable,
  filter: DeadLetterFilter,
  wanted: Parameters<typeof listDeadLetters>[2],
  settings: DashboardSettings,
): Promise<DeadLetterListView> {
  const { deadLetters, next } = await listDeadLetters(db, filter, wanted);
  return { deadLetters: deadLetters.map((letter) => row(letter, settings)), next: next ?? null };
}

function row(letter: DeadLetter, { link, redact }: DashboardSettings): DeadLetterListView["deadLetters"][number] {
  const last = letter.errors.at(-1);
  const redaction = redact.begin();
  redaction.hide([letter.payload, letter.meta], "");
  return {
    // Only what is of interest while a job is to run is not there.
    ...jobRow({ ...letter, state: "dead", runAt: null, claimedAt: null }, linkOf(letter, link), redaction),
    error: last ? redaction.mask(`${last.name}: ${last.message}`) : null,
    manualRetries: letter.manualRetries,
  };
}
