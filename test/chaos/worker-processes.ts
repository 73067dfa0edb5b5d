// The worker processes of a run: each with a proxy and a wrong clock of its own, replaced whenever it ends.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Random } from "../support/random.ts";
import type { Bounds, Life, Said } from "./history.ts";
import { type Proxy, proxyTo } from "./proxy.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const hourMs = 3_600_000;
/** Drain time, grace, last settles and closing: after that, a worker that was told to stop hangs. */
const longestStopMs = 25_000;
const respawnMs = 200;

export interface WorkersInput {
  readonly databaseUrl: string;
  /** The same database, as the role that workers have there. */
  readonly workerUrl: string;
  readonly workers: number;
  readonly bounds: Bounds;
  readonly random: Random;
  /** The rewrites of a mutant, as a JSON text. */
  readonly mutant: string | undefined;
}

interface Current {
  readonly child: ChildProcess;
  readonly from: number;
  readonly ended: Promise<unknown>;
  endedBy: Life["endedBy"];
  stubborn: boolean;
  respawnMs: number;
}

export class WorkerProcesses {
  readonly lives: Life[] = [];
  readonly said: Said[] = [];
  /** Files that a mutant rewrote, once for each process. */
  readonly mutated: string[] = [];
  readonly #current = new Map<number, Current>();
  readonly #clocks: number[];
  #respawns = true;

  static async start(input: WorkersInput): Promise<WorkerProcesses> {
    const proxies = await Promise.all(Array.from({ length: input.workers }, () => proxyTo(input.workerUrl)));
    const processes = new WorkerProcesses(input, proxies);
    for (let worker = 0; worker < input.workers; worker += 1) processes.#spawn(worker);
    return processes;
  }

  private constructor(
    private readonly input: WorkersInput,
    private readonly proxies: readonly Proxy[],
  ) {
    // Some are fast and some are slow in every run.
    this.#clocks = proxies.map((_, worker) => Math.round((worker % 2 === 0 ? 1 : -1) * input.random.next() * hourMs));
  }

  proxy(worker: number): Proxy {
    return this.proxies[worker] as Proxy;
  }

  /** The processes that run now. */
  get pids(): number[] {
    return [...this.#current.values()].map(({ child }) => child.pid as number);
  }

  /** `kill -9`; another process takes its place after a time. Resolves when that has begun. */
  async kill(worker: number, respawnAfterMs: number): Promise<void> {
    await this.#end(worker, "SIGKILL", respawnAfterMs);
    await this.#replaced(worker);
  }

  /** Asks it to finish what it does and end. Resolves when another process has taken its place. */
  async terminate(worker: number, respawnAfterMs: number): Promise<void> {
    await this.#end(worker, "SIGTERM", respawnAfterMs);
    await this.#replaced(worker);
  }

  async freeze(worker: number, ms: number): Promise<void> {
    const { child } = this.#of(worker);
    child.kill("SIGSTOP");
    await sleep(ms);
    child.kill("SIGCONT");
  }

  /** Lets all of them finish and end; none is replaced. */
  async stop(): Promise<void> {
    this.#respawns = false;
    await Promise.all([...this.#current.keys()].map((worker) => this.#end(worker, "SIGTERM", 0)));
    this.close();
  }

  /** Ends all of it at once, frozen ones too. */
  close(): void {
    this.#respawns = false;
    for (const { child } of this.#current.values()) child.kill("SIGKILL");
    for (const proxy of this.proxies) proxy.close();
  }

  #of(worker: number): Current {
    return this.#current.get(worker) as Current;
  }

  async #end(worker: number, signal: "SIGKILL" | "SIGTERM", respawnAfterMs: number): Promise<void> {
    const current = this.#of(worker);
    // A kill may strike a process that is stopping; it is what ends it then.
    if (current.endedBy !== "SIGKILL") current.endedBy = signal;
    current.respawnMs = respawnAfterMs;
    current.child.kill(signal);
    const late = setTimeout(() => {
      current.stubborn = true;
      current.child.kill("SIGKILL");
    }, longestStopMs);
    await current.ended;
    clearTimeout(late);
  }

  async #replaced(worker: number): Promise<void> {
    while (this.#respawns && this.#of(worker).child.exitCode !== null) await sleep(50);
    while (this.#respawns && this.#of(worker).child.signalCode !== null) await sleep(50);
  }

  #spawn(worker: number): void {
    const { databaseUrl, bounds, mutant } = this.input;
    const imports = ["./test/chaos/wrong-clock.mjs", ...(mutant ? ["./test/chaos/mutate-on-load.mjs"] : [])];
    const child = spawn(
      process.execPath,
      [
        ...imports.flatMap((file) => ["--import", file]),
        "bin/soniq-drizzle.js",
        "work",
        "--config",
        "test/chaos/worker.config.ts",
      ],
      {
        cwd: root,
        env: {
          ...process.env,
          CHAOS_DATABASE_URL: databaseUrl,
          CHAOS_PROXY_URL: this.proxy(worker).url,
          CHAOS_LEASE_MS: String(bounds.leaseMs),
          CHAOS_SWEEP_MS: String(bounds.sweepMs),
          CHAOS_POLL_MS: String(bounds.pollMs),
          // Every other worker settles and claims job by job.
          CHAOS_BATCH_SIZE: worker % 2 === 0 ? "1" : "1000",
          CHAOS_CLOCK_MS: String(this.#clocks[worker]),
          ...(mutant && { CHAOS_MUTANT: mutant }),
        },
        stdio: ["ignore", "pipe", "pipe"],
        // A terminal's Ctrl-C is for the harness, which ends them.
        detached: true,
      },
    );
    const lines: string[] = [];
    const hear = (line: string) => {
      lines.push(`${new Date().toISOString()} ${line}`);
      this.#hear(worker, line);
    };
    for (const stream of [child.stdout, child.stderr]) createInterface(stream).on("line", hear);
    const current: Current = {
      child,
      from: Date.now(),
      ended: once(child, "close"),
      endedBy: null,
      stubborn: false,
      respawnMs,
    };
    this.#current.set(worker, current);
    child.once("close", (status, signal) => {
      const { from, endedBy, stubborn } = current;
      const pid = child.pid as number;
      this.lives.push({
        worker,
        pid,
        from,
        until: Date.now(),
        status,
        signal,
        endedBy,
        stubborn,
        output: lines.join("\n"),
      });
      if (this.#respawns) setTimeout(() => this.#respawns && this.#spawn(worker), current.respawnMs);
    });
  }

  #hear(worker: number, line: string): void {
    if (line.startsWith("mutated ")) this.mutated.push(line.slice("mutated ".length));
    const at = Date.now();
    if (line.includes('"state":"fenced"')) this.said.push({ worker, at, what: "fenced" });
    if (line.includes("its jobs were taken")) this.said.push({ worker, at, what: "session-lost" });
  }
}
