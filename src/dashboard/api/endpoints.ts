import * as v from "valibot";
import type { Queryable } from "../../core/queryable.js";
import { storable } from "../../core/storable.js";
import { listDeliveries, resendDelivery } from "../../webhooks/delivery-log.js";
import { listEndpoints, pauseEndpoint, resumeEndpoint } from "../../webhooks/endpoints.js";
import type { Api } from "../api.js";
import { isoOrNull } from "../iso.js";
import { checked, idOf, page, queryOf, text } from "../query.js";
import type { DeliveryListView, EndpointView } from "../wire.js";

const pageQuery = v.strictObject(page);
const endpointQuery = v.strictObject({ tenant: text, allTenants: v.optional(v.literal("1")) });
const why = v.optional(v.object({ reason: text }), {});

export function endpointRoutes(api: Api): void {
  api.read("/endpoints", (db, request) => views(db, queryOf(request, endpointQuery)));
  api.read("/endpoints/:id/deliveries", (db, request) =>
    deliveries(db, request.param("id") as string, queryOf(request, pageQuery)),
  );
  api.change("/endpoints/:target/pause", "endpoint.pause", async (db, { target, actor, body }) => {
    await pauseEndpoint(db, target, checked(why, body, "body").reason ?? `by ${actor}`);
    return "paused: what is announced meanwhile waits";
  });
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
    // Receivers may have given it a token of theirs.
    url: storable(url),
    openUntil: isoOrNull(openUntil),
    createdAt: createdAt.toISOString(),
  }));
}

async function deliveries(
  db: Queryable,
  endpoint: string,
  wanted: v.InferOutput<typeof pageQuery>,
): Promise<DeliveryListView> {
  const found = await listDeliveries(db, endpoint, wanted);
  return {
    deliveries: found.deliveries.map(({ nextAt, createdAt, finishedAt, failures, ...delivery }) => ({
      ...delivery,
      nextAt: isoOrNull(nextAt),
      createdAt: createdAt.toISOString(),
      finishedAt: isoOrNull(finishedAt),
      failures: failures.map(({ attempt, at, message, status = null }) => ({
        attempt,
        at: at.toISOString(),
        message,
        status,
      })),
    })),
    next: found.next ?? null,
  };
}
