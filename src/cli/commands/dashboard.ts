import { print } from "../../core/terminal.js";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { Command, Option } from "commander";
import { ConfigError } from "../../core/errors.js";
import { checkTables } from "../../database/check-tables.js";
import { createDashboard } from "../../dashboard/create-dashboard.js";
import { formatAddress, isLoopback } from "../../dashboard/hosts.js";
import { parseConfig } from "../../worker/settings/settings.js";
import { configOption } from "../database-command.js";
import { exitCodes } from "../exit-codes.js";
import { listen } from "../listen.js";
import { loadConfig } from "../load-config.js";
import { describeDatabase, openDatabase } from "../open-database.js";
import { parsePort } from "../port-number.js";
import { commandDescriptions } from "../command-descriptions.js";

interface Options {
  readonly config?: string;
  readonly port: number;
  readonly host: string;
  readonly write?: true;
  readonly token?: string;
  readonly allowHost?: readonly string[];
}

/** A page sends a few requests at once. */
const maxConnections = 3;
/** Addresses that stand for all addresses of this machine. */
const wildcardAddresses = new Set(["0.0.0.0", "::"]);

/** `soniq-drizzle dashboard` */
export function createDashboardCommand(): Command {
  return new Command("dashboard")
    .description(commandDescriptions.dashboard)
    .option(...configOption)
    .option("--port <n>", "the port to listen on (0: any free port)", parsePort, 4680)
    .option("--host <address>", "the address to listen on; any but a loopback address needs a token", "127.0.0.1")
    .option("--write", "allow changes: pause, resume, retry, cancel, purge … (default: read-only)")
    .addOption(
      new Option(
        "--token <token>",
        "the token that the page must send, 16 characters or more (default: a new token on each start)",
      ).env("SONIQ_DASHBOARD_TOKEN"),
    )
    .option(
      "--allow-host <names...>",
      "host names under which browsers may request the dashboard, in addition to those of this machine",
    )
    .addHelpText(
      "after",
      "\nExamples:\n  soniq-drizzle dashboard --write\n  SONIQ_DASHBOARD_TOKEN=… soniq-drizzle dashboard --host 0.0.0.0 --allow-host jobs.example.com",
    )
    .action(serveDashboard);
}

async function serveDashboard({ config: path, port, host, write, token, allowHost = [] }: Options): Promise<void> {
  if (token === undefined && !isLoopback(host))
    throw new ConfigError(
      `--host ${host} makes the dashboard reachable from other machines: choose a token of 16 characters or more, and set SONIQ_DASHBOARD_TOKEN to it`,
    );
  const { connection } = parseConfig((await loadConfig(path)).config);
  const { db, close } = await openDatabase(connection, "transactions", maxConnections);
  try {
    await checkTables(db);
    const requiredToken = token ?? randomBytes(24).toString("base64url");
    const hosts = wildcardAddresses.has(host) ? allowHost : [...allowHost, formatAddress(host)];
    const fetch = createDashboard({ db, token: requiredToken, write, hosts });
    const address = await listen(fetch, { port, hostname: host, optionPrefix: "-" });
    print(`dashboard of ${describeDatabase(connection)}${write ? "" : ", read-only: --write allows changes"}`);
    // A given token is a secret, so it must not end up in logs.
    print(`${address}/${token === undefined ? `#token=${requiredToken}` : " (with the token that you gave)"}`);
    if (wildcardAddresses.has(host) && allowHost.length === 0)
      print(
        "it answers only requests from this machine: name the hosts under which browsers request it with --allow-host",
      );
    await waitForStopSignal();
  } finally {
    await close();
  }
  // The connections of open pages would keep the process alive.
  process.exit(exitCodes.done);
}

async function waitForStopSignal(): Promise<void> {
  await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
}
