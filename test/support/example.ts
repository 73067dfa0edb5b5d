import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Runs an example as its reader does, to its end. @returns the lines that it printed */
export async function runExample(path: string, url: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", `examples/${path}`], {
    cwd: root,
    env: { ...process.env, DATABASE_URL: url },
  });
  return stdout.trimEnd().split("\n");
}
