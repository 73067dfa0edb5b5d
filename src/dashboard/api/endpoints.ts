import * as v from "valibot";
import type { Queryable } from "../../core/queryable.js";
import { sanitizeText } from "../../core/storable.js";
import { listDeliveries, resendDelivery } from "../../webhooks/delivery-log.js";
import { listEndpoints, pauseEndpoint, resumeEndpoint } from "../../webhooks/endpoints.js";
import type { Api } from "../api.js";
import { isoOrNull } from "../iso.js";
import type { DashboardSettings } from "../options.js";
import { checked, idOf, page, queryOf, text } from "../query.js";
import { readRedactions } from "../read-redactions.js";
import type { DeliveryListView, EndpointView } from "../wire.js";

const pageQuery = v.strictObject(page);
const endpointQuery = v.strictObject({ tenant: text, allTenants: v.optional(v.literal("1")) });
const why = v.optional(v.strictObject({ reason: text }), {});

export function endpointRoutes(api: Api): void {
  api.read("/endpoints", (db, request) => views(db, queryOf(request, endpointQuery)));
  api.read("/endpoints/:id/deliveries", (db, request) =>
    deliveries(db, request.param("id") as string, queryOf(request, pageQuery), api.settings),
  );
  api.change(
    "/endpoints/:target/pause",
    "endpoint.pause",
    async (db, { target, actor, body }) => {
      await pauseEndpoint(db, target, checked(why, body, "body").reason ?? `by ${actor}`);
      return "paused: what is published meanwhile waits";
    },
    why,
  );
  api.change("/endpoints/:target/resume", "endpoint.resume", async (db, { target }) => {
    await resumeEndpoint(db, target);
    return "resumed: what has waited is sent";
  });
  api.change("/deliveries/:target/resend", "delivery.resend", async (db, { target }) => {
    const { id } = await resendDelivery(db, idOf(target, "a delivery's"));
    return `sent once more, as delivery #${id}`;
  });
}

async function views(
  db: Queryable,
  { tenant, allTenants }: v.InferOutput<typeof endpointQuery>,
): Promise<EndpointView[]> {
  const filter = allTenants ? { allTenants: true as const } : tenant === undefined ? {} : { tenant };
  return (await listEndpoints(db, filter)).map(({ url, openUntil, createdAt, ...endpoint }) => ({
    ...endpoint,
    url: shownUrl(url),
    openUntil: isoOrNull(openUntil),
    createdAt: createdAt.toISOString(),
  }));
}

async function deliveries(
  db: Queryable,
  endpoint: string,
  wanted: v.InferOutput<typeof pageQuery>,
  { redact }: DashboardSettings,
): Promise<DeliveryListView> {
  const found = await listDeliveries(db, endpoint, wanted);
  // A receiver may repeat in its answer what was sent.
  const redactions = await readRedactions(
    db,
    found.deliveries.map(({ id }) => id),
    redact,
  );
  return {
    deliveries: found.deliveries.map(({ nextAt, createdAt, finishedAt, failures, answer, reason, ...delivery }) => ({
      ...delivery,
      answer: answer && { ...answer, excerpt: redactions.of(delivery.id).mask(answer.excerpt) },
      reason: redactions.of(delivery.id).mask(reason),
      nextAt: isoOrNull(nextAt),
      createdAt: createdAt.toISOString(),
      finishedAt: isoOrNull(finishedAt),
      failures: failures.map(({ attempt, at, message, status = null }) => ({
        attempt,
        at: at.toISOString(),
        message: redactions.of(delivery.id).mask(message),
        status,
      })),
    })),
    next: found.next ?? null,
  };
}

/** A receiver may have put a token into its URL: into the path, or behind it under any name. */
function shownUrl(url: string): string {
  const looksRandom = /(?<=[/=])(?=[\w~%+.-]*\d)(?=[\w~%+.-]*[a-z])[\w~%+.-]{16,}/gi;
  const [, origin = "", rest = ""] = /^(\w+:\/\/[^/?#]*)([^]*)$/.exec(url) ?? [];
  return sanitizeText(origin + rest.replace(looksRandom, "***"));
}
