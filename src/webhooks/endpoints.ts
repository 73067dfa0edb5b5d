import { randomUUID } from "node:crypto";
import { validateHeaderName, validateHeaderValue } from "node:http";
import { eq, isNull, sql } from "drizzle-orm";
import { soniqWebhookEndpoints as endpoints } from "../../schema/webhook-endpoints.js";
import { builder } from "../core/builder.js";
import { InvalidValueError, NotFoundError, describeValue, checkObject } from "../core/errors.js";
import { parseText, toJson } from "../core/json.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { dateFrom, nullableDateFrom } from "../core/fragments.js";
import { parseUrl } from "./addresses.js";
import { isTripped, isBlocked } from "./breaker.js";
import { checkEventDefinition, type EventDefinition } from "./define-event.js";
import { generateSecret } from "./signature.js";
import type { WebhookConfig } from "./webhook-config.js";
import { parseWebhookConfig } from "./webhook-settings.js";

/** An endpoint to register. */
export type NewEndpoint = EndpointSettings & Audience;

/** The tenants whose events an endpoint gets. There is no default: one customer's events must not reach another. */
type Audience =
  /**
   * The endpoint gets only the events that are published for this tenant: a customer's id or name, at most 200
   * characters.
   */
  | { readonly tenant: string; readonly allTenants?: never }
  /** The endpoint gets all events, with or without a tenant: for receivers of your own. */
  | { readonly allTenants: true; readonly tenant?: never };

interface EndpointSettings {
  /**
   * The URL to send webhooks to: `https` on port 443 at a public address, unless the configuration's `allow` permits
   * more.
   */
  readonly url: string;
  /**
   * The events that the endpoint subscribes to, as definitions or names. `"all"` means every event except those of
   * jobs. Pass job events as `jobDead` and so on: a name is rejected, because it may be a customer's input. They need
   * `allTenants`, because they cover the jobs of every tenant.
   */
  readonly events: readonly (EventDefinition | string)[] | "all";
  readonly description?: string;
  /**
   * Headers to send with each webhook, such as `authorization`. They are stored unencrypted: only our signing secrets
   * are encrypted.
   */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A receiver of webhooks, without its secrets, and without its headers, which may contain secrets. */
export interface Endpoint {
  readonly id: string;
  readonly url: string;
  readonly description: string;
  /** The tenant whose events the endpoint gets; null for all tenants. */
  readonly tenant: string | null;
  /** The names of the events that the endpoint subscribes to; empty for all. */
  readonly events: readonly string[];
  /**
   * `paused`: until it is resumed. `open`: too many failures have opened its breaker; a single delivery probes it now
   * and then.
   */
  readonly state: "working" | "paused" | "open";
  readonly pausedReason: string | null;
  /** The number of consecutive failures. */
  readonly failures: number;
  /** When the breaker admits the next probe. */
  readonly openUntil: Date | null;
  readonly createdAt: Date;
}

const maxUrlChars = 2_000;
const reservedHeaders =
  /^(webhook-.*|host|content-.*|transfer-encoding|connection|keep-alive|upgrade|te|trailer|expect)$/i;

/**
 * Registers an endpoint.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param config the same as that of the workers: its first key encrypts the secret
 * @param endpoint its `url`, its `events`, and either one `tenant` or `allTenants`
 * @returns the endpoint's id, and the secret that the receiver verifies webhooks with. The secret cannot be read again
 * @throws InvalidValueError before any SQL, for example if `events` or the tenant is missing, or if webhooks may not be
 *   sent to the URL
 * @throws MigrationError if the job tables are missing or older than this version
 * @example
 * const { id, secret } = await registerEndpoint(db, webhooks, {
 *   url: "https://customer.example/hooks",
 *   events: [orderPaid],
 *   tenant: customer.id,
 * });
 */
export async function registerEndpoint(
  db: Queryable,
  config: WebhookConfig,
  endpoint: NewEndpoint,
): Promise<{ readonly id: string; readonly secret: string }> {
  checkObject(endpoint, "endpoint", "give an object with url, events, and tenant or allTenants");
  const { keyring, allowed } = parseWebhookConfig(config);
  const { url, events, description = "", headers = {} } = endpoint;
  parseUrl(parseText(url, "url", maxUrlChars), allowed);
  if (description !== "") parseText(description, "description", 1_000);
  const tenant = parseAudience(endpoint);
  const names = parseEventNames(events, tenant);
  for (const [name, value] of Object.entries(headers)) checkHeader(name, value);
  const id = randomUUID();
  const secret = generateSecret();
  await builder(db)
    .insert(endpoints)
    .values({
      id,
      url,
      description,
      tenant,
      events: sql`${toJson(names, "events")}::text::jsonb`,
      headers: sql`${toJson(headers, "headers")}::text::jsonb`,
      secrets: sql`${JSON.stringify([keyring.seal(secret, id)])}::text::jsonb`,
    })
    .catch(explainMissingTables);
  return { id, secret };
}

/** @returns the tenant; null for all tenants */
function parseAudience({
  tenant,
  allTenants,
}: {
  readonly tenant?: unknown;
  readonly allTenants?: unknown;
}): string | null {
  if (tenant !== undefined && allTenants === undefined) return parseTenant(tenant);
  if (tenant === undefined && allTenants === true) return null;
  throw new InvalidValueError(
    "tenant",
    `is ${tenant === undefined ? "missing" : "given together with allTenants"}: give either the tenant whose events the endpoint gets, or allTenants: true`,
  );
}

/** @throws InvalidValueError unless the tenant is a text of 1 to 200 characters */
export function parseTenant(tenant: unknown): string {
  return parseText(tenant, "tenant", 200);
}

function parseEventNames(events: unknown, tenant: string | null): string[] {
  if (events === "all") return [];
  if (!Array.isArray(events) || events.length === 0)
    throw new InvalidValueError(
      "events",
      `is ${describeValue(events)}: give the events that the endpoint gets, or "all"`,
    );
  const names = (events as (EventDefinition | string)[]).map((event, i) => parseEventName(event, `events[${i}]`));
  const jobEventIndex = names.findIndex((name) => name.startsWith("job."));
  if (jobEventIndex !== -1 && tenant !== null)
    throw new InvalidValueError(
      `events[${jobEventIndex}]`,
      `is ${names[jobEventIndex]}, which covers the jobs of every tenant: register the endpoint with allTenants: true`,
    );
  return names;
}

function parseEventName(event: EventDefinition | string, path: string): string {
  if (typeof event === "string" && event.startsWith("job."))
    throw new InvalidValueError(
      path,
      `is "${event}": give events of jobs as definitions, such as jobDead, not as names`,
    );
  if (typeof event === "string") return parseText(event, path, 200);
  checkEventDefinition(event, path);
  return event.name;
}

function checkHeader(name: string, value: string): void {
  if (reservedHeaders.test(name))
    throw new InvalidValueError(`headers.${name}`, "is reserved for the delivery itself: leave it out");
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  } catch {
    throw new InvalidValueError(`headers.${name}`, "is not a valid header: use Latin characters and no line breaks");
  }
}

/** The endpoints to list; by default, all. */
export type EndpointFilter = Partial<Audience>;

/**
 * Lists endpoints, oldest first.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param filter `tenant`: only the endpoints that are registered for it; `allTenants: true`: only the endpoints that
 *   get the events of all tenants
 * @throws InvalidValueError before any SQL, if the tenant is invalid
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function listEndpoints(db: Queryable, filter: EndpointFilter = {}): Promise<Endpoint[]> {
  checkObject(filter, "filter", "give an object, {} for all");
  const hasAudience = filter.tenant !== undefined || filter.allTenants !== undefined;
  const tenant = hasAudience ? parseAudience(filter) : undefined;
  const rows = await builder(db)
    .select({
      id: endpoints.id,
      url: endpoints.url,
      description: sql<string>`coalesce(${endpoints.description}, '')`,
      tenant: endpoints.tenant,
      events: sql<string>`${endpoints.events}::text`,
      state: sql<
        Endpoint["state"]
      >`case when ${endpoints.pausedAt} is not null then 'paused' when ${isTripped} then 'open' else 'working' end`,
      pausedReason: endpoints.pausedReason,
      failures: endpoints.failures,
      openUntil: nullableDateFrom(endpoints.openUntil),
      isBlocked: sql<boolean>`${isBlocked}`,
      createdAt: dateFrom(endpoints.createdAt),
    })
    .from(endpoints)
    .where(tenant === undefined ? undefined : tenant === null ? isNull(endpoints.tenant) : eq(endpoints.tenant, tenant))
    .orderBy(endpoints.createdAt, endpoints.id)
    .catch(explainMissingTables);
  return rows.map(({ events, isBlocked: isBlockedNow, openUntil, ...row }) => ({
    ...row,
    events: JSON.parse(events) as string[],
    openUntil: isBlockedNow ? openUntil : null,
  }));
}

/**
 * Pauses an endpoint until {@link resumeEndpoint}. Its queued deliveries are parked, and so are the deliveries of later
 * events.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param reason listed as `pausedReason`, at most 1000 characters
 * @throws NotFoundError if the endpoint does not exist
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function pauseEndpoint(db: Queryable, id: string, reason = "paused"): Promise<void> {
  const updated = await builder(db)
    .update(endpoints)
    .set({
      pausedAt: sql`coalesce(${endpoints.pausedAt}, now())`,
      pausedReason: parseText(reason, "reason", 1_000),
      updatedAt: sql`now()`,
    })
    .where(eq(endpoints.id, parseEndpointId(id)))
    .returning({ id: endpoints.id })
    .catch(explainMissingTables);
  if (updated.length === 0) throw createEndpointNotFoundError(id);
}

/**
 * Resumes an endpoint and closes its breaker. Its parked deliveries are sent gradually, beside new ones.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @throws NotFoundError if the endpoint does not exist
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function resumeEndpoint(db: Queryable, id: string): Promise<void> {
  const updated = await builder(db)
    .update(endpoints)
    // A past `openUntil` marks the endpoint as unparking its deliveries.
    .set({ pausedAt: null, pausedReason: null, failures: 0, openUntil: sql`now()`, updatedAt: sql`now()` })
    .where(eq(endpoints.id, parseEndpointId(id)))
    .returning({ id: endpoints.id })
    .catch(explainMissingTables);
  if (updated.length === 0) throw createEndpointNotFoundError(id);
}

/** @throws NotFoundError if the text is not a UUID: PostgreSQL would refuse it and abort the transaction */
export function parseEndpointId(id: string): string {
  if (!/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(id)) throw createEndpointNotFoundError(id);
  return id.toLowerCase();
}

export function createEndpointNotFoundError(id: unknown): NotFoundError {
  return new NotFoundError(`there is no endpoint ${describeValue(id)}: listEndpoints lists the existing ones`);
}
