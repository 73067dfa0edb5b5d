import { print } from "../../core/terminal.js";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { Command, Option } from "commander";
import { ConfigError } from "../../core/errors.js";
import { checkTables } from "../../database/check-tables.js";
import { createDashboard } from "../../dashboard/create-dashboard.js";
import { hostOfAddress, isLoopback } from "../../dashboard/hosts.js";
import { parseConfig } from "../../worker/settings/settings.js";
import { configOption } from "../database-command.js";
import { exitCodes } from "../exit-codes.js";
import { listen } from "../listen.js";
import { loadConfig } from "../load-config.js";
import { describeDatabase, openDatabase } from "../open-database.js";
import { portNumber } from "../port-number.js";

interface Options {
  readonly config?: string;
  readonly port: number;
  readonly host: string;
  readonly write?: true;
  readonly token?: string;
  readonly allowHost?: readonly string[];
}

/** Pages ask for a few things at once. */
const connections = 3;
/** Every address of this machine. */
const wildcards = new Set(["0.0.0.0", "::"]);

/** `soniq-drizzle dashboard` */
export function dashboardCommand(): Command {
  return new Command("dashboard")
    .description("serve the dashboard, and print a link to it")
    .option(...configOption)
    .option("--port <n>", "the port to listen on (0: any free port)", portNumber, 4680)
    .option("--host <address>", "the address to listen on; others than this machine's own need a token", "127.0.0.1")
    .option("--write", "allow changes: to pause, retry, cancel, retry, purge … (default: it only shows)")
    .addOption(
      new Option(
        "--token <token>",
        "what the page must know, 16 characters or more (default: a new one each time)",
      ).env("SONIQ_DASHBOARD_TOKEN"),
    )
    .option("--allow-host <names...>", "names under which browsers may ask for it, beside those of this machine")
    .addHelpText(
      "after",
      "\nExamples:\n  soniq-drizzle dashboard --write\n  SONIQ_DASHBOARD_TOKEN=… soniq-drizzle dashboard --host 0.0.0.0 --allow-host jobs.example.com",
    )
    .action(dashboard);
}

async function dashboard({ config: path, port, host, write, token, allowHost = [] }: Options): Promise<void> {
  if (token === undefined && !isLoopback(host))
    throw new ConfigError(
      `--host ${host} lets others reach it: choose a token of 16 characters or more, and give it as SONIQ_DASHBOARD_TOKEN`,
    );
  const { connection } = parseConfig((await loadConfig(path)).config);
  const { db, close } = await openDatabase(connection, "transactions", connections);
  try {
    await checkTables(db);
    const own = token ?? randomBytes(24).toString("base64url");
    const hosts = wildcards.has(host) ? allowHost : [...allowHost, hostOfAddress(host)];
    const fetch = createDashboard({ db, token: own, write, hosts });
    const address = await listen(fetch, { port, hostname: host, options: "-" });
    print(
      `the dashboard of ${describeDatabase(connection)}${write ? "" : ", which only shows: --write allows changes"}`,
    );
    // One that was given may be in nobody's log.
    print(`${address}/${token === undefined ? `#token=${own}` : " with the token that you gave"}`);
    if (wildcards.has(host) && allowHost.length === 0)
      print("it answers on this machine alone: name the hosts that browsers ask for with --allow-host");
    await stopSignal();
  } finally {
    await close();
  }
  // Pages that look at it would keep the process.
  process.exit(exitCodes.done);
}

async function stopSignal(): Promise<void> {
  await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
}
