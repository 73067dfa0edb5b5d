import * as v from "valibot";
import type { Queryable } from "../../core/queryable.js";
import { sanitizeText } from "../../core/sanitize-text.js";
import { listDeliveries, resendDelivery } from "../../webhooks/delivery-log.js";
import { listEndpoints, pauseEndpoint, resumeEndpoint } from "../../webhooks/endpoints.js";
import type { Api } from "../api.js";
import { toIsoOrNull } from "../iso.js";
import type { DashboardSettings } from "../options.js";
import { parseValue, parseId, page, parseQuery, text } from "../query.js";
import { readRedactions } from "../read-redactions.js";
import type { DeliveryListView, EndpointView } from "../wire.js";

const pageQuery = v.strictObject(page);
const endpointQuery = v.strictObject({ tenant: text, allTenants: v.optional(v.literal("1")) });
const reasonBody = v.optional(v.strictObject({ reason: text }), {});

export function addEndpointRoutes(api: Api): void {
  api.addReadRoute("/endpoints", (db, request) => listViews(db, parseQuery(request, endpointQuery)));
  api.addReadRoute("/endpoints/:id/deliveries", (db, request) =>
    readDeliveries(db, request.param("id") as string, parseQuery(request, pageQuery), api.settings),
  );
  api.addChangeRoute(
    "/endpoints/:target/pause",
    "endpoint.pause",
    async (db, { target, actor, body }) => {
      await pauseEndpoint(db, target, parseValue(reasonBody, body, "body").reason ?? `by ${actor}`);
      return "paused: events that are published meanwhile wait";
    },
    reasonBody,
  );
  api.addChangeRoute("/endpoints/:target/resume", "endpoint.resume", async (db, { target }) => {
    await resumeEndpoint(db, target);
    return "resumed: waiting events are sent";
  });
  api.addChangeRoute("/deliveries/:target/resend", "delivery.resend", async (db, { target }) => {
    const { id } = await resendDelivery(db, parseId(target, "a delivery's"));
    return `enqueued again as delivery #${id}`;
  });
}

async function listViews(
  db: Queryable,
  { tenant, allTenants }: v.InferOutput<typeof endpointQuery>,
): Promise<EndpointView[]> {
  const filter = allTenants ? { allTenants: true as const } : tenant === undefined ? {} : { tenant };
  return (await listEndpoints(db, filter)).map(({ url, openUntil, createdAt, ...endpoint }) => ({
    ...endpoint,
    url: redactUrl(url),
    openUntil: toIsoOrNull(openUntil),
    createdAt: createdAt.toISOString(),
  }));
}

async function readDeliveries(
  db: Queryable,
  endpoint: string,
  pageOptions: v.InferOutput<typeof pageQuery>,
  { redact }: DashboardSettings,
): Promise<DeliveryListView> {
  const found = await listDeliveries(db, endpoint, pageOptions);
  // A receiver's answer may echo the payload.
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
      nextAt: toIsoOrNull(nextAt),
      createdAt: createdAt.toISOString(),
      finishedAt: toIsoOrNull(finishedAt),
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

/** Redacts random-looking parts of a URL: its path or query may contain a token, under any parameter name. */
function redactUrl(url: string): string {
  const randomParts = /(?<=[/=])(?=[\w~%+.-]*\d)(?=[\w~%+.-]*[a-z])[\w~%+.-]{16,}/gi;
  const [, origin = "", rest = ""] = /^(\w+:\/\/[^/?#]*)([^]*)$/.exec(url) ?? [];
  return sanitizeText(origin + rest.replace(randomParts, "***"));
}
