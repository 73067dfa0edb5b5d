import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, vi } from "vitest";

export const root = fileURLToPath(new URL("../..", import.meta.url));
const sample = join(import.meta.dirname, "project");

// Packers, installers and compilers take their time where others work too: that is no reason to fail.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

/** How a command ended, and what it said. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What npm itself would like to add to a command's output. */
const quiet = { NO_COLOR: "1", npm_config_loglevel: "error", npm_config_update_notifier: "false" };

/** Runs a command to its end. What the test run itself put into the environment is left out. */
export async function run(
  folder: string,
  command: readonly string[],
  environment: Record<string, string> = {},
): Promise<Ended> {
  const inherited = Object.entries(process.env).filter(
    ([name]) =>
      !/^(VITEST|NODE_ENV|NODE_OPTIONS|INIT_CWD|DATABASE_URL|npm_(package|lifecycle|config_(local_)?prefix))/.test(
        name,
      ),
  );
  const [program, ...args] = command;
  const child = spawn(program as string, args, {
    cwd: folder,
    env: { ...Object.fromEntries(inherited), ...quiet, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => (said[stream] += text));
  }
  const [status] = (await once(child, "close")) as [number | null];
  return { status, ...said };
}

/** The same, of a command that must succeed. @returns what it said */
export async function succeed(
  folder: string,
  command: readonly string[],
  environment?: Record<string, string>,
): Promise<string> {
  const { status, stdout, stderr } = await run(folder, command, environment);
  if (status !== 0) throw new Error(`${command.join(" ")} ended with status ${status}:\n${stdout}\n${stderr}`);
  return stdout + stderr;
}

/** A folder of this test file's own, removed when the file is done. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "soniq-package-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Builds and packs a copy of this repository, so that neither its `dist` nor anything else is touched. @returns the tarball */
export async function pack(folder: string): Promise<string> {
  const copy = join(folder, "repository");
  cpSync(root, copy, { recursive: true, filter: (path) => !/\/(node_modules|dist|\.git|\.out)$/.test(path) });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  await succeed(copy, ["npm", "pack", "--silent", "--pack-destination", folder]);
  const tarball = readdirSync(folder).find((file) => file.endsWith(".tgz"));
  return join(folder, tarball as string);
}

/** Versions of Drizzle that belong together; without a kit, the project has no development tools at all. */
export interface DrizzleVersions {
  readonly orm: string;
  readonly kit?: string;
}

/** Sets up the sample project, with the packed package installed as anyone would install it. @returns its folder */
export async function freshProject(folder: string, tarball: string, { orm, kit }: DrizzleVersions): Promise<string> {
  const project = join(folder, `project-${orm}`);
  cpSync(sample, project, { recursive: true });
  const quick = ["--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"];
  const tools = kit ? [`drizzle-kit@${kit}`] : ["--omit=dev"];
  await succeed(project, ["npm", "install", ...quick, tarball, `drizzle-orm@${orm}`, ...tools]);
  return project;
}

/** The same project with the same packages, but of CommonJS modules. @returns its folder */
export function inCommonJs(project: string): string {
  const copy = `${project}-commonjs`;
  mkdirSync(copy);
  for (const file of readdirSync(sample)) cpSync(join(project, file), join(copy, file));
  const { type: _module, ...manifest } = JSON.parse(readFileSync(join(project, "package.json"), "utf8")) as {
    type: string;
  };
  writeFileSync(join(copy, "package.json"), JSON.stringify(manifest));
  symlinkSync(join(project, "node_modules"), join(copy, "node_modules"));
  return copy;
}
