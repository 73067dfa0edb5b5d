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
import { hasOpened, isShut } from "./breaker.js";
import { checkEventDefinition, type EventDefinition } from "./define-event.js";
import { newSecret } from "./signature.js";
import type { WebhookConfig } from "./webhook-config.js";
import { parseWebhooks } from "./webhook-settings.js";

/** An endpoint to be registered. */
export type NewEndpoint = EndpointSettings & Audience;

/** Whose events an endpoint gets, which has no default: the events of one customer must not reach another. */
type Audience =
  /** The events that are published for this tenant, and for no other: a customer's id or name, 200 characters at most. */
  | { readonly tenant: string; readonly allTenants?: never }
  /** The events of every tenant, and those that are published for none: for receivers of your own. */
  | { readonly allTenants: true; readonly tenant?: never };

interface EndpointSettings {
  /** Where webhooks are sent to: `https`, on port 443, at a public address, unless the configuration's `allow` says more. */
  readonly url: string;
  /**
   * The events that it asks for, or their names; `"all"`: every event but those of jobs. Events of jobs are given as `jobDead`
   * and so on, never as text, which may be what a customer typed, and only with `allTenants`: they cover everybody's jobs.
   */
  readonly events: readonly (EventDefinition | string)[] | "all";
  readonly description?: string;
  /** Sent along with each webhook, such as an `authorization`. Kept as they are: only secrets of ours are encrypted. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A receiver of webhooks, without its secrets, and without its headers, which may be some. */
export interface Endpoint {
  readonly id: string;
  readonly url: string;
  readonly description: string;
  /** The tenant whose events it gets; null for those of all tenants. */
  readonly tenant: string | null;
  /** The names of the events that it asks for; empty for all. */
  readonly events: readonly string[];
  /** `paused`: until it is resumed. `open`: its breaker is, after too many failures; one delivery tries it now and then. */
  readonly state: "working" | "paused" | "open";
  readonly pausedReason: string | null;
  /** Deliveries that failed in a row. */
  readonly failures: number;
  /** When its breaker lets the next delivery try. */
  readonly openUntil: Date | null;
  readonly createdAt: Date;
}

const maxUrl = 2_000;
const reservedHeaders =
  /^(webhook-.*|host|content-.*|transfer-encoding|connection|keep-alive|upgrade|te|trailer|expect)$/i;

/**
 * Registers an endpoint.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param config the same as that of the workers: its first key encrypts the secret
 * @param endpoint its `url`, the `events` that it gets, and whose: those of one `tenant`, or those of `allTenants`
 * @returns its id, and the secret that it verifies webhooks with: shown this once
 * @throws InvalidValueError before any SQL, if it is not said which events and whose, for a URL to which nothing may be sent,
 *   and the like
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
  const { keyring, allowed } = parseWebhooks(config);
  const { url, events, description = "", headers = {} } = endpoint;
  parseUrl(parseText(url, "url", maxUrl), allowed);
  if (description !== "") parseText(description, "description", 1_000);
  const tenant = tenantOf(endpoint);
  const names = eventNames(events, tenant);
  for (const [name, value] of Object.entries(headers)) checkHeader(name, value);
  const id = randomUUID();
  const secret = newSecret();
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

/** @returns null for all tenants */
function tenantOf({ tenant, allTenants }: { readonly tenant?: unknown; readonly allTenants?: unknown }): string | null {
  if (tenant !== undefined && allTenants === undefined) return checkTenant(tenant);
  if (tenant === undefined && allTenants === true) return null;
  throw new InvalidValueError(
    "tenant",
    `is ${tenant === undefined ? "missing" : "given together with allTenants"}: give either the tenant whose events the endpoint gets, or allTenants: true`,
  );
}

/** @throws InvalidValueError for anything but a text of 1 to 200 characters */
export function checkTenant(tenant: unknown): string {
  return parseText(tenant, "tenant", 200);
}

function eventNames(events: unknown, tenant: string | null): string[] {
  if (events === "all") return [];
  if (!Array.isArray(events) || events.length === 0)
    throw new InvalidValueError("events", `is ${describeValue(events)}: give the events that the endpoint gets, or "all"`);
  const names = (events as (EventDefinition | string)[]).map((event, i) => eventName(event, `events[${i}]`));
  const ofJobs = names.findIndex((name) => name.startsWith("job."));
  if (ofJobs !== -1 && tenant !== null)
    throw new InvalidValueError(
      `events[${ofJobs}]`,
      `is ${names[ofJobs]}, which covers the jobs of every tenant: register the endpoint with allTenants: true`,
    );
  return names;
}

function eventName(event: EventDefinition | string, path: string): string {
  if (typeof event === "string" && event.startsWith("job."))
    throw new InvalidValueError(
      path,
      `is "${event}": for the events of jobs give jobDead and the like, not their names`,
    );
  if (typeof event === "string") return parseText(event, path, 200);
  checkEventDefinition(event, path);
  return event.name;
}

function checkHeader(name: string, value: string): void {
  if (reservedHeaders.test(name))
    throw new InvalidValueError(`headers.${name}`, "is one that is sent anyway: leave it out");
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  } catch {
    throw new InvalidValueError(`headers.${name}`, "is no header: no line breaks, and none but Latin characters");
  }
}

/** Which endpoints to list: by default all of them. */
export type EndpointFilter = Partial<Audience>;

/**
 * Lists endpoints, oldest first.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param filter `tenant`: only those that were registered for it; `allTenants: true`: only those that get the events of all
 * @throws InvalidValueError before any SQL, for a tenant that cannot be one
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function listEndpoints(db: Queryable, filter: EndpointFilter = {}): Promise<Endpoint[]> {
  checkObject(filter, "filter", "give an object, {} for all");
  const isChosen = filter.tenant !== undefined || filter.allTenants !== undefined;
  const tenant = isChosen ? tenantOf(filter) : undefined;
  const rows = await builder(db)
    .select({
      id: endpoints.id,
      url: endpoints.url,
      description: sql<string>`coalesce(${endpoints.description}, '')`,
      tenant: endpoints.tenant,
      events: sql<string>`${endpoints.events}::text`,
      state: sql<
        Endpoint["state"]
      >`case when ${endpoints.pausedAt} is not null then 'paused' when ${hasOpened} then 'open' else 'working' end`,
      pausedReason: endpoints.pausedReason,
      failures: endpoints.failures,
      openUntil: nullableDateFrom(endpoints.openUntil),
      isShut: sql<boolean>`${isShut}`,
      createdAt: dateFrom(endpoints.createdAt),
    })
    .from(endpoints)
    .where(tenant === undefined ? undefined : tenant === null ? isNull(endpoints.tenant) : eq(endpoints.tenant, tenant))
    .orderBy(endpoints.createdAt, endpoints.id)
    .catch(explainMissingTables);
  return rows.map(({ events, isShut: shut, openUntil, ...row }) => ({
    ...row,
    events: JSON.parse(events) as string[],
    openUntil: shut ? openUntil : null,
  }));
}

/**
 * Sends an endpoint nothing until it is resumed: its deliveries are parked, and those that are published meanwhile.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @throws NotFoundError if there is no such endpoint
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function pauseEndpoint(db: Queryable, id: string, reason = "paused"): Promise<void> {
  const paused = await builder(db)
    .update(endpoints)
    .set({
      pausedAt: sql`coalesce(${endpoints.pausedAt}, now())`,
      pausedReason: parseText(reason, "reason", 1_000),
      updatedAt: sql`now()`,
    })
    .where(eq(endpoints.id, endpointId(id)))
    .returning({ id: endpoints.id })
    .catch(explainMissingTables);
  if (paused.length === 0) throw noSuchEndpoint(id);
}

/**
 * Has an endpoint get its deliveries again, the parked ones bit by bit, beside those that are new. Closes its breaker, too.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @throws NotFoundError if there is no such endpoint
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function resumeEndpoint(db: Queryable, id: string): Promise<void> {
  const resumed = await builder(db)
    .update(endpoints)
    // A time that has passed: its deliveries are freed from then on.
    .set({ pausedAt: null, pausedReason: null, failures: 0, openUntil: sql`now()`, updatedAt: sql`now()` })
    .where(eq(endpoints.id, endpointId(id)))
    .returning({ id: endpoints.id })
    .catch(explainMissingTables);
  if (resumed.length === 0) throw noSuchEndpoint(id);
}

/** @throws NotFoundError for what cannot be an endpoint's id: PostgreSQL would refuse it, and the transaction with it */
export function endpointId(id: string): string {
  if (!/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(id)) throw noSuchEndpoint(id);
  return id.toLowerCase();
}

export function noSuchEndpoint(id: unknown): NotFoundError {
  return new NotFoundError(`there is no endpoint ${describeValue(id)}: listEndpoints knows those there are`);
}
