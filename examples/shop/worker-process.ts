import { spawn } from "node:child_process";
import { once } from "node:events";

/**
 * Runs `npx soniq-drizzle work --drain` as a process of its own, until no job is left.
 *
 * @throws Error with what the worker printed, if it fails
 */
export async function drain(environment: Record<string, string>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  // In a workspace, npx would take the root package's command, and build that package first.
  const command = ["--workspaces=false", "soniq-drizzle", "work", "--drain", "--wait", "4s"];
  const worker = spawn("npx", command, {
    cwd: import.meta.dirname,
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    // A process group of its own: npx does not pass every signal on to what it runs.
    detached: true,
  });
  const stop = () => worker.pid && process.kill(-worker.pid, "SIGTERM");
  signal.addEventListener("abort", stop);

  let output = "";
  for (const stream of [worker.stdout, worker.stderr]) {
    stream.on("data", (chunk: Buffer) => (output = (output + chunk.toString()).slice(-10_000)));
  }
  const [status] = await once(worker, "close");
  signal.removeEventListener("abort", stop);
  signal.throwIfAborted();
  if (status !== 0) throw new Error(`The worker ended with status ${status}:\n${output}`);
}
