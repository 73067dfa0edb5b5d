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
import { confirm } from "../confirm.js";
import { createDatabaseCommand, type DatabaseOptions, withDatabase } from "../database-command.js";
import { addPageOptions } from "../page-options.js";
import { type Columns, printPage, printRows } from "../print.js";
import { parseWholeNumber } from "../whole-number.js";
import { commandDescriptions } from "../command-descriptions.js";

/** `soniq-drizzle webhooks` */
export function createWebhooksCommand(): Command {
  return new Command("webhooks")
    .description(commandDescriptions.webhooks)
    .addCommand(addTenantOptions(createDatabaseCommand("list", "list the endpoints with their state")).action(list))
    .addCommand(createRegisterCommand())
    .addCommand(
      createEndpointCommand("pause", "pause an endpoint; events that are published meanwhile wait")
        .option("--reason <text>", "the reason, recorded with the endpoint")
        .action(pause),
    )
    .addCommand(createEndpointCommand("resume", "resume an endpoint, and send the events that waited").action(resume))
    .addCommand(
      createEndpointCommand("rotate", "give an endpoint a new secret, and print it (only this time)")
        .option("--overlap <duration>", "how long deliveries are signed with the old secret, too", "24h")
        .action(rotate),
    )
    .addCommand(
      createDatabaseCommand("rotate-keys", "encrypt all secrets with the first key of webhooks.keys").action(
        rotateKeys,
      ),
    )
    .addCommand(
      createEndpointCommand("delete", "delete an endpoint, and cancel its queued deliveries")
        .option("--yes", "do not ask for confirmation")
        .action(remove),
    )
    .addCommand(
      addPageOptions(createEndpointCommand("deliveries", "list the deliveries to an endpoint, newest first")).action(
        deliveries,
      ),
    )
    .addCommand(
      createDatabaseCommand("resend", "send a delivery again, with the same id")
        .argument("<delivery>", "the id of the delivery", parseWholeNumber)
        .action(resend),
    );
}

function createRegisterCommand(): Command {
  return addTenantOptions(
    createDatabaseCommand("register", "register an endpoint, and print its secret (only this time)"),
  )
    .argument("<url>", "the https URL that receives the webhooks")
    .addOption(
      new Option("--events <names>", "the events that the endpoint receives, separated by commas")
        .argParser(parseEventNames)
        .conflicts("allEvents"),
    )
    .option("--all-events", "all events except those of jobs (job.…)")
    .option("--description <text>", "a note about the endpoint")
    .addHelpText(
      "after",
      "\nExample: soniq-drizzle webhooks register https://customer.example/hooks --tenant customer-7 --events order.paid,order.sent",
    )
    .action(register);
}

function createEndpointCommand(name: string, description: string): Command {
  return createDatabaseCommand(name, description).argument("<endpoint>", "the id of the endpoint");
}

/** Adds the options that select a tenant or all tenants. */
function addTenantOptions(command: Command): Command {
  return command
    .addOption(new Option("--tenant <tenant>", "for the events of this tenant").conflicts("allTenants"))
    .option("--all-tenants", "for the events of all tenants");
}

interface TenantOptions {
  readonly tenant?: string;
  readonly allTenants?: true;
}

/** Returns the tenant filter. It is empty without either option, and `register` then names the missing option. */
const toAudience = ({ tenant, allTenants }: TenantOptions) => (tenant === undefined ? { allTenants } : { tenant });

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
  const filter = toAudience(options) as EndpointFilter;
  printRows(await withDatabase(options, (db) => listEndpoints(db, filter)), endpointColumns, "no endpoints", options);
}

interface RegisterOptions extends DatabaseOptions, TenantOptions {
  readonly events?: readonly string[];
  readonly allEvents?: true;
  readonly description?: string;
}

async function register(url: string, options: RegisterOptions): Promise<void> {
  const { events, allEvents, description = "" } = options;
  if (!events && !allEvents)
    throw new ConfigError("give --events with the events that the endpoint receives, or --all-events");
  if (options.tenant === undefined && !options.allTenants)
    throw new ConfigError("give --tenant with the customer whose events the endpoint receives, or --all-tenants");
  const endpoint = { url, description, events: events ? events.map(findEvent) : "all", ...toAudience(options) };
  const { id, secret } = await withDatabase(options, (db, _, config) =>
    registerEndpoint(db, getWebhookConfig(config), endpoint as NewEndpoint),
  );
  if (options.json) return printJson({ id, secret });
  print(`registered ${id}\nsecret (shown only once): ${secret}`);
}

async function pause(id: string, { reason, ...options }: DatabaseOptions & { reason?: string }): Promise<void> {
  await withDatabase(options, (db) => pauseEndpoint(db, id, reason));
  printResult(options, { id, state: "paused" }, `paused ${id}`);
}

async function resume(id: string, options: DatabaseOptions): Promise<void> {
  await withDatabase(options, (db) => resumeEndpoint(db, id));
  printResult(options, { id, state: "working" }, `resumed ${id}`);
}

async function rotate(id: string, { overlap, ...options }: DatabaseOptions & { overlap: Duration }): Promise<void> {
  const { secret } = await withDatabase(options, (db, _, config) =>
    rotateSecret(db, getWebhookConfig(config), id, { overlap }),
  );
  printResult(
    options,
    { id, secret },
    `new secret (shown only once): ${secret}\nthe old secret also signs for ${overlap}`,
  );
}

async function rotateKeys(options: DatabaseOptions): Promise<void> {
  const count = await withDatabase(options, (db, _, config) => rotateWebhookKeys(db, getWebhookConfig(config)));
  printResult(options, { endpoints: count }, `encrypted the secrets of ${count} endpoints`);
}

async function remove(id: string, { yes, ...options }: DatabaseOptions & { yes?: true }): Promise<void> {
  await withDatabase(options, async (db) => {
    if (!(await confirm(`Delete the endpoint ${id}, and cancel its queued deliveries?`, { ...(yes && { yes }) })))
      return;
    await deleteEndpoint(db, id);
    printResult(options, { id, state: "deleted" }, `deleted ${id}`);
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
  printResult(options, { id }, `enqueued as delivery ${id}`);
}

function printResult({ json }: DatabaseOptions, value: unknown, text: string): void {
  if (json) printJson(value);
  else print(text);
}

function getWebhookConfig({ webhooks }: WorkerConfig): WebhookConfig {
  if (!webhooks)
    throw new ConfigError("configuration: webhooks is missing: set webhooks.keys, which encrypt the secrets");
  return webhooks;
}

function parseEventNames(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  const nonEmpty = names.filter((name) => name !== "");
  if (nonEmpty.length === 0) throw new InvalidArgumentError("name at least one event, or give --all-events.");
  return nonEmpty;
}

/** Finds the definition of a job event: unlike the API, the command line accepts job events by name. */
function findEvent(name: string): EventDefinition | string {
  return jobEvents.find((event) => event.name === name) ?? name;
}
