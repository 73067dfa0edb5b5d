import { Command, InvalidArgumentError, Option } from "commander";
import { print, printJson } from "../../core/terminal.js";
import type { Duration } from "../../core/duration.js";
import { ConfigError } from "../../core/errors.js";
import type { PageOptions } from "../../core/page.js";
import type { EventDefinition } from "../../webhooks/define-event.js";
import { deleteEndpoint } from "../../webhooks/delete-endpoint.js";
import { type Delivery, listDeliveries, resendDelivery } from "../../webhooks/delivery-log.js";
import {
  type Endpoint,
  type EndpointFilter,
  listEndpoints,
  type NewEndpoint,
  pauseEndpoint,
  registerEndpoint,
  resumeEndpoint,
} from "../../webhooks/endpoints.js";
import { jobEvents } from "../../webhooks/job-events.js";
import { rotateSecret, rotateWebhookKeys } from "../../webhooks/rotate-secret.js";
import type { WebhookConfig } from "../../webhooks/webhook-config.js";
import type { WorkerConfig } from "../../worker/settings/config.js";
import { confirmed } from "../confirm.js";
import { databaseCommand, type DatabaseOptions, withDatabase } from "../database-command.js";
import { withPages } from "../page-options.js";
import { type Columns, printPage, printRows } from "../print.js";
import { wholeNumber } from "../whole-number.js";

/** `soniq-drizzle webhooks` */
export function webhooksCommand(): Command {
  return new Command("webhooks")
    .description("register, pause, resume or delete endpoints of webhooks, and list what was delivered to them")
    .addCommand(withTenant(databaseCommand("list", "list the endpoints and their state")).action(list))
    .addCommand(
      withTenant(databaseCommand("register", "register an endpoint; prints its secret, this once"))
        .argument("<url>", "where its webhooks go, by https")
        .addOption(
          new Option("--events <names>", "the events that it gets, separated by commas")
            .argParser(eventNames)
            .conflicts("allEvents"),
        )
        .option("--all-events", "every event but those of jobs (job.…)")
        .option("--description <text>", "a note for those who look at the endpoint later")
        .addHelpText(
          "after",
          "\nExample: soniq-drizzle webhooks register https://customer.example/hooks --tenant customer-7 --events order.paid,order.sent",
        )
        .action(register),
    )
    .addCommand(
      endpointCommand("pause", "send an endpoint nothing; what is published meanwhile waits")
        .option("--reason <text>", "why, for those who look at it later")
        .action(pause),
    )
    .addCommand(endpointCommand("resume", "send to an endpoint again, what has waited, too").action(resume))
    .addCommand(
      endpointCommand("rotate", "give an endpoint a new secret; prints it, this once")
        .option("--overlap <duration>", "how long the old secret signs along", "24h")
        .action(rotate),
    )
    .addCommand(
      databaseCommand("rotate-keys", "encrypt all secrets with the first of webhooks.keys").action(rotateKeys),
    )
    .addCommand(
      endpointCommand("delete", "forget an endpoint, and cancel what waits for it")
        .option("--yes", "do not ask")
        .action(remove),
    )
    .addCommand(
      withPages(endpointCommand("deliveries", "list what was sent to an endpoint, newest first")).action(deliveries),
    )
    .addCommand(
      databaseCommand("resend", "send an event once more, with the same id")
        .argument("<delivery>", "its id", wholeNumber)
        .action(resend),
    );
}

function endpointCommand(name: string, description: string): Command {
  return databaseCommand(name, description).argument("<endpoint>", "its id");
}

/** Whose events: of a tenant, or of all tenants. */
function withTenant(command: Command): Command {
  return command
    .addOption(new Option("--tenant <tenant>", "of this tenant").conflicts("allTenants"))
    .option("--all-tenants", "of all tenants");
}

interface TenantOptions {
  readonly tenant?: string;
  readonly allTenants?: true;
}

/** One of the two, or neither: registering an endpoint then says what is missing. */
const audienceOf = ({ tenant, allTenants }: TenantOptions) => (tenant === undefined ? { allTenants } : { tenant });

const endpointColumns: Columns<Endpoint> = {
  ID: ({ id }) => id,
  STATE: ({ state }) => state,
  TENANT: ({ tenant }) => tenant ?? "(all tenants)",
  URL: ({ url }) => url,
  EVENTS: ({ events }) => events.join(", ") || "all",
  FAILURES: ({ failures }) => failures,
  "OPEN UNTIL": ({ openUntil }) => openUntil,
  REASON: ({ pausedReason }) => pausedReason,
  DESCRIPTION: ({ description }) => description,
};

const deliveryColumns: Columns<Delivery> = {
  ID: ({ id }) => id,
  EVENT: ({ event }) => event,
  STATE: ({ state }) => state,
  ATTEMPT: ({ attempt }) => attempt,
  STATUS: ({ answer, failures }) => answer?.status ?? failures.at(-1)?.status,
  MS: ({ answer, failures }) => answer?.durationMs ?? failures.at(-1)?.durationMs,
  ANNOUNCED: ({ createdAt }) => createdAt,
  NEXT: ({ nextAt }) => nextAt,
  ANSWER: ({ answer, failures }) => answer?.excerpt ?? failures.at(-1)?.message,
};

async function list(options: DatabaseOptions & TenantOptions): Promise<void> {
  const filter = audienceOf(options) as EndpointFilter;
  printRows(await withDatabase(options, (db) => listEndpoints(db, filter)), endpointColumns, "no endpoints", options);
}

interface RegisterOptions extends DatabaseOptions, TenantOptions {
  readonly events?: readonly string[];
  readonly allEvents?: true;
  readonly description?: string;
}

async function register(url: string, options: RegisterOptions): Promise<void> {
  const { events, allEvents, description = "" } = options;
  if (!events && !allEvents) throw new ConfigError("give --events with the events that it gets, or --all-events");
  if (options.tenant === undefined && !options.allTenants)
    throw new ConfigError("give --tenant with the customer whose events it gets, or --all-tenants");
  const endpoint = { url, description, events: events ? events.map(eventOf) : "all", ...audienceOf(options) };
  const { id, secret } = await withDatabase(options, (db, _, config) =>
    registerEndpoint(db, webhooksOf(config), endpoint as NewEndpoint),
  );
  if (options.json) return printJson({ id, secret });
  print(`registered ${id}\nits secret, which is shown this once: ${secret}`);
}

async function pause(id: string, { reason, ...options }: DatabaseOptions & { reason?: string }): Promise<void> {
  await withDatabase(options, (db) => pauseEndpoint(db, id, reason));
  say(options, { id, state: "paused" }, `paused ${id}`);
}

async function resume(id: string, options: DatabaseOptions): Promise<void> {
  await withDatabase(options, (db) => resumeEndpoint(db, id));
  say(options, { id, state: "working" }, `resumed ${id}`);
}

async function rotate(id: string, { overlap, ...options }: DatabaseOptions & { overlap: Duration }): Promise<void> {
  const { secret } = await withDatabase(options, (db, _, config) =>
    rotateSecret(db, webhooksOf(config), id, { overlap }),
  );
  say(
    options,
    { id, secret },
    `its new secret, which is shown this once: ${secret}\nthe old one signs along for ${overlap}`,
  );
}

async function rotateKeys(options: DatabaseOptions): Promise<void> {
  const count = await withDatabase(options, (db, _, config) => rotateWebhookKeys(db, webhooksOf(config)));
  say(options, { endpoints: count }, `encrypted the secrets of ${count} endpoints`);
}

async function remove(id: string, { yes, ...options }: DatabaseOptions & { yes?: true }): Promise<void> {
  await withDatabase(options, async (db) => {
    if (!(await confirmed(`Delete the endpoint ${id}, and cancel what waits for it?`, { ...(yes && { yes }) }))) return;
    await deleteEndpoint(db, id);
    say(options, { id, state: "deleted" }, `deleted ${id}`);
  });
}

async function deliveries(
  endpoint: string,
  { cursor, limit, ...options }: DatabaseOptions & PageOptions,
): Promise<void> {
  const page = await withDatabase(options, (db) => listDeliveries(db, endpoint, { cursor, limit }));
  printPage(page, "deliveries", deliveryColumns, "no deliveries", options);
}

async function resend(delivery: number, options: DatabaseOptions): Promise<void> {
  const { id } = await withDatabase(options, (db) => resendDelivery(db, delivery));
  say(options, { id }, `enqueued as delivery ${id}`);
}

function say({ json }: DatabaseOptions, value: unknown, text: string): void {
  if (json) printJson(value);
  else print(text);
}

function webhooksOf({ webhooks }: WorkerConfig): WebhookConfig {
  if (!webhooks) throw new ConfigError("configuration: webhooks is missing: give it the keys that encrypt the secrets");
  return webhooks;
}

function eventNames(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  const given = names.filter((name) => name !== "");
  if (given.length === 0) throw new InvalidArgumentError("name an event, or give --all-events.");
  return given;
}

/** Who runs commands may ask for the events of jobs by name. */
function eventOf(name: string): EventDefinition | string {
  return jobEvents.find((event) => event.name === name) ?? name;
}
