import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Sql } from "postgres";
import { afterEach } from "vitest";
import { until } from "./until.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** A worker in a process of its own. */
export interface ChildWorker {
  kill(signal: NodeJS.Signals): void;
  /** Resolves with the exit status, null if a signal ended it. */
  readonly exited: Promise<number | null>;
  /** Resolves once it has said this. */
  said(text: string): Promise<void>;
  /** The lines that it has printed so far. */
  output(): string[];
}

/** Starts `soniq-drizzle work` from the sources, with `child.config.ts`. */
export function startChild(url: string, settings: { lease?: string; drainTimeout?: string } = {}): ChildWorker {
  const { lease = "20s", drainTimeout = "30s" } = settings;
  const child = spawn(
    process.execPath,
    ["--import", "tsx", "src/cli/main.ts", "work", "--config", "test/support/child.config.ts"],
    {
      cwd: root,
      env: { ...process.env, DATABASE_URL: url, LEASE: lease, DRAIN_TIMEOUT: drainTimeout },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  children.push(child);
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  return {
    kill: (signal) => child.kill(signal),
    exited: once(child, "exit").then(([status]) => status as number | null),
    said: async (text) => void (await until(async () => output.includes(text))),
    output: () => output.split("\n").slice(0, -1),
  };
}

/** The table in which the jobs of child workers note what they do. */
export async function openLedger(sql: Sql) {
  await sql`create table ledger (n int, step text)`;
  return {
    letGo: async (n: number) => void (await sql`insert into ledger values (${n}, 'let go')`),
    noted: async (n: number, step: string) =>
      void (await until(async () => (await sql`select from ledger where n = ${n} and step = ${step}`).length > 0)),
  };
}
