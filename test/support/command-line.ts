import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { soniqArguments } from "./programs.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

export interface CommandEnd {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `soniq-drizzle` from the sources, where nobody can be asked. @param reads how much of its output is read before that is closed */
export async function soniq(url: string, args: readonly string[], reads = Infinity): Promise<CommandEnd> {
  const child = spawn(process.execPath, soniqArguments(args), {
    cwd: root,
    env: { ...process.env, DATABASE_URL: url },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    if (stdout.length > reads) child.stdout.destroy();
  });
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const [status] = (await once(child, "close")) as [number | null];
  return { status, stdout, stderr };
}
