import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Mode, System } from "./systems/system.ts";
import type { FromWorker, Measures, ToWorker } from "./worker-messages.ts";

/** Workers of one system, each in its own process, counted together. */
export class WorkerProcesses {
  /** How many handlers have begun. */
  handled = 0;
  /** When the first handler began, and the last. */
  firstAt = Infinity;
  lastAt = 0;
  /** How many had begun at which time: one entry for each report of a process. */
  readonly progress: { at: number; handled: number }[] = [];
  readonly #children: ChildProcess[] = [];
  readonly #measured = new Map<ChildProcess, (measures: Measures) => void>();
  readonly #waiting = new Set<{ handled: number; done: () => void }>();
  #stopping = false;
  #fail!: (error: Error) => void;
  readonly #failed = new Promise<never>((_, fail) => (this.#fail = fail));

  private constructor() {
    this.#failed.catch(() => {});
    // A run that fails must not leave processes behind.
    process.once("exit", () => this.#children.forEach((child) => child.kill("SIGKILL")));
  }

  /** Resolves when all of them are ready. */
  static async start(system: System, mode: Mode, url: string, processes: number): Promise<WorkerProcesses> {
    const workers = new WorkerProcesses();
    await Promise.all(Array.from({ length: processes }, () => workers.add(system, mode, url)));
    return workers;
  }

  /** Starts one more worker. */
  async add({ name }: System, mode: Mode, url: string): Promise<void> {
    const child = fork(new URL("worker-process.ts", import.meta.url), [name, mode, url], {
      execArgv: [...process.execArgv, "--expose-gc"],
    });
    this.#children.push(child);
    child.once("exit", (code) => {
      if (code !== 0 || !this.#stopping) this.#fail(new Error(`a worker of ${name} ended with status ${code}`));
    });
    await this.#unlessFailed(
      new Promise<void>((ready) => {
        child.on("message", (message: FromWorker) => {
          if (message.type === "ready") ready();
          if (message.type === "handled") this.#count(message);
          if (message.type === "measured") this.#measured.get(child)?.(message);
        });
      }),
    );
  }

  #count({ jobs, firstAt, lastAt }: Extract<FromWorker, { type: "handled" }>): void {
    this.handled += jobs;
    this.firstAt = Math.min(this.firstAt, firstAt);
    this.lastAt = Math.max(this.lastAt, lastAt);
    this.progress.push({ at: lastAt, handled: this.handled });
    for (const waiter of this.#waiting) {
      if (this.handled < waiter.handled) continue;
      this.#waiting.delete(waiter);
      waiter.done();
    }
  }

  /** Resolves when this many handlers have begun, in all processes together. */
  reached(handled: number): Promise<void> {
    if (this.handled >= handled) return Promise.resolve();
    return this.#unlessFailed(new Promise((done) => this.#waiting.add({ handled, done })));
  }

  measure(): Promise<Measures[]> {
    const measured = this.#children.map((child) => {
      const answer = new Promise<Measures>((done) => this.#measured.set(child, done));
      send(child, "measure");
      return answer;
    });
    return this.#unlessFailed(Promise.all(measured));
  }

  /** Stops the workers; running jobs finish. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#unlessFailed(
      Promise.all(
        this.#children.map((child) => {
          const exited = once(child, "exit");
          send(child, "stop");
          return exited;
        }),
      ),
    );
  }

  #unlessFailed<T>(result: Promise<T>): Promise<T> {
    return Promise.race([result, this.#failed]);
  }
}

function send(child: ChildProcess, message: ToWorker): void {
  child.send(message);
}
