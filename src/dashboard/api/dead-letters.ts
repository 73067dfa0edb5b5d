import * as v from "valibot";
import type { Queryable } from "../../core/queryable.js";
import type { DeadLetterFilter } from "../../dead-letters/filter.js";
import { type DeadLetter, listDeadLetters } from "../../dead-letters/list.js";
import { summarizeDeadLetters } from "../../dead-letters/summarize.js";
import type { Api } from "../api.js";
import { filterEntries, toFilter } from "../dead-letter-query.js";
import { toJobRow } from "../job-views.js";
import { buildLink } from "../link.js";
import type { DashboardSettings } from "../options.js";
import { page, parseQuery } from "../query.js";
import type { DeadLetterGroupsView, DeadLetterListView } from "../wire.js";

const groupsQuery = v.strictObject(filterEntries);
const listQuery = v.strictObject({ ...filterEntries, ...page });

export function addDeadLetterRoutes(api: Api): void {
  api.addReadRoute("/dead-letters/groups", (db, request) => readGroups(db, toFilter(parseQuery(request, groupsQuery))));
  api.addReadRoute("/dead-letters", (db, request) => {
    const { cursor, limit, ...filter } = parseQuery(request, listQuery);
    return readList(db, toFilter(filter), { cursor, limit }, api.settings);
  });
}

async function readGroups(db: Queryable, filter: DeadLetterFilter): Promise<DeadLetterGroupsView> {
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

async function readList(
  db: Queryable,
  filter: DeadLetterFilter,
  pageOptions: Parameters<typeof listDeadLetters>[2],
  settings: DashboardSettings,
): Promise<DeadLetterListView> {
  const { deadLetters, next } = await listDeadLetters(db, filter, pageOptions);
  return { deadLetters: deadLetters.map((letter) => toRow(letter, settings)), next: next ?? null };
}

function toRow(letter: DeadLetter, { link, redact }: DashboardSettings): DeadLetterListView["deadLetters"][number] {
  const last = letter.errors.at(-1);
  const redaction = redact.createRedaction();
  redaction.hide([letter.payload, letter.meta], "");
  return {
    // A dead letter has no `runAt` and `claimedAt`, which matter only before a job has finished.
    ...toJobRow({ ...letter, state: "dead", runAt: null, claimedAt: null }, buildLink(letter, link), redaction),
    error: last ? redaction.mask(`${last.name}: ${last.message}`) : null,
    manualRetries: letter.manualRetries,
  };
}
