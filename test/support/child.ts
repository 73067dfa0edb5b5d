import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Sql } from "postgres";
import { onTestFinished } from "vitest";
import { soniqArguments } from "./programs.ts";
import { until } from "./until.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A worker in a process of its own. */
export interface ChildWorker {
  kill(signal: NodeJS.Signals): void;
  /** Resolves with the exit status, null if a signal ended it. */
  readonly exited: Promise<number | null>;
  /** Resolves once it has said this, with all it has said till then. */
  said(text: string | RegExp): Promise<string>;
  /** What it has complained about: its standard error. */
  complaints(): string;
  /** The lines that it has printed so far. */
  output(): string[];
}

/** How a child worker is started. */
export interface ChildSettings {
  readonly lease?: string;
  readonly shutdownTimeout?: string;
  /** The configuration's file in this folder. */
  readonly config?: string;
  readonly args?: readonly string[];
}

/** Starts `soniq-drizzle work` from the sources. */
export function startChild(url: string, settings: ChildSettings = {}): ChildWorker {
  const { lease = "20s", shutdownTimeout = "30s", config = "child.config.ts", args = [] } = settings;
  const child = spawn(process.execPath, soniqArguments(["work", ...args], config), {
    cwd: root,
    env: { ...process.env, DATABASE_URL: url, LEASE: lease, DRAIN_TIMEOUT: shutdownTimeout },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  let complaints = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
  return {
    kill: (signal) => child.kill(signal),
    exited: once(child, "close").then(([status]) => status as number | null),
    said: async (text) => {
      const isSaid = () => (typeof text === "string" ? output.includes(text) : text.test(output));
      await until(async () => isSaid());
      return output;
    },
    complaints: () => complaints,
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
