import { spawn } from "node:child_process";
import { once } from "node:events";

/**
 * Runs `npx soniq-drizzle …` as a process of its own, to its end.
 *
 * @param command what stands behind that
 * @param output who gets what it prints. Default: the error, if it fails
 * @throws Error if it fails, and the signal's reason once that is aborted
 */
export async function soniq(
  command: string,
  environment: Record<string, string>,
  signal: AbortSignal,
  output: "error" | "terminal" = "error",
): Promise<void> {
  signal.throwIfAborted();
  // In a workspace, npx would take the root package's command, and build that package first.
  const child = spawn("npx", ["--workspaces=false", "soniq-drizzle", ...command.split(" ")], {
    cwd: import.meta.dirname,
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    // A process group of its own: npx does not pass every signal on to what it runs.
    detached: true,
  });
  const stop = () => child.pid && process.kill(-child.pid, "SIGTERM");
  signal.addEventListener("abort", stop);

  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    if (output === "terminal") stream.pipe(process.stdout);
    else stream.on("data", (chunk: Buffer) => (printed = (printed + chunk.toString()).slice(-10_000)));
  }
  const [status] = await once(child, "close");
  signal.removeEventListener("abort", stop);
  signal.throwIfAborted();
  if (status !== 0) throw new Error(`soniq-drizzle ${command} ended with status ${status}:\n${printed}`);
}
