import { spawn } from "node:child_process";
import { once } from "node:events";

/**
 * Runs `npx soniq-drizzle …` in a child process until it exits.
 *
 * @param command the arguments after `soniq-drizzle`
 * @param output where its output goes. Default: into the error, if it fails
 * @throws Error if it fails, or the signal's reason if the signal was aborted
 */
export async function soniq(
  command: string,
  environment: Record<string, string>,
  signal: AbortSignal,
  output: "error" | "terminal" = "error",
): Promise<void> {
  signal.throwIfAborted();
  // In a workspace, npx would run the root package's command, and build that package first.
  const child = spawn("npx", ["--workspaces=false", "soniq-drizzle", ...command.split(" ")], {
    cwd: import.meta.dirname,
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    // In its own process group, because npx does not pass on every signal to its child.
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
  if (status !== 0) throw new Error(`soniq-drizzle ${command} exited with status ${status}:\n${printed}`);
}
