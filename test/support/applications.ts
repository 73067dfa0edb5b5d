import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { until } from "./until.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What was reported of one kind of call. */
interface Calls {
  answered: number;
  rejected: number;
}

/** An application that runs beside the test. */
export interface Application {
  /** What PostgreSQL lists its connections as. */
  readonly name: string;
  readonly calls: ReadonlyMap<string, Calls>;
  /** How it ended, and what it printed; undefined while it lives. */
  ended(): string | undefined;
  /** Resolves once each kind of call was answered again. @throws if the application ends before */
  works(): Promise<void>;
  stop(): Promise<void>;
}

export const applicationDrivers = ["postgres.js", "node-postgres"] as const;

export interface ApplicationSettings {
  /** How long each kind of call rests before it is made again; 100 by default. */
  readonly pauseMs?: number;
  /** Rewrites the built package as the application loads it: `CHAOS_MUTANT` of mutate-on-load.mjs. */
  readonly mutant?: string | undefined;
}

/** Starts an application over this driver, which uses the built package and calls what applications call. */
export function startApplication(
  url: string,
  driver: (typeof applicationDrivers)[number],
  { pauseMs = 100, mutant }: ApplicationSettings = {},
): Application {
  const name = `application on ${driver}`;
  const imports = ["tsx", ...(mutant ? ["./test/chaos/mutate-on-load.mjs"] : [])];
  const program = [...imports.flatMap((file) => ["--import", file]), "test/support/application.ts"];
  const child: ChildProcess = spawn(process.execPath, program, {
    cwd: root,
    env: {
      ...process.env,
      DATABASE_URL: url,
      DRIVER: driver,
      APPLICATION: name,
      PAUSE_MS: String(pauseMs),
      ...(mutant && { CHAOS_MUTANT: mutant }),
    },
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  const calls = new Map<string, Calls>();
  let printed = "";
  let end: string | undefined;
  child.stderr?.on("data", (chunk: Buffer) => (printed = (printed + chunk.toString()).slice(-4_000)));
  child.on("message", ({ name: call, ok }: { name: string; ok: boolean }) => {
    const count = calls.get(call) ?? { answered: 0, rejected: 0 };
    calls.set(call, count);
    if (ok) count.answered += 1;
    else count.rejected += 1;
  });
  const closed = once(child, "close").then(([status, signal]) => (end = `ended with ${status ?? signal}: ${printed}`));
  return {
    name,
    calls,
    ended: () => end,
    async works() {
      await until(async () => end !== undefined || calls.size > 0);
      const before = new Map([...calls].map(([call, { answered }]) => [call, answered]));
      await until(async () => {
        if (end !== undefined) throw new Error(`${name} ${end}`);
        return [...calls].every(([call, { answered }]) => answered > (before.get(call) ?? 0));
      });
    },
    async stop() {
      if (end === undefined) child.kill("SIGKILL");
      await closed;
    },
  };
}
