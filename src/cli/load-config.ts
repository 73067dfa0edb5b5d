import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { ConfigError } from "../core/errors.js";
import { sanitizeText } from "../core/sanitize-text.js";
import type { WorkerConfig } from "../worker/settings/config.js";

const fileNames = ["soniq.config.ts", "soniq.config.mts", "soniq.config.js", "soniq.config.mjs"];

/** A configuration and the path of its file. */
export interface LoadedConfig {
  readonly config: WorkerConfig;
  readonly path: string;
}

/**
 * Loads the configuration. It may be TypeScript, and may use the `paths` of its tsconfig.json.
 *
 * @param givenPath the file named on the command line. Default: a `soniq.config` file in the current folder
 * @throws ConfigError if the file does not exist or cannot be loaded
 */
export async function loadConfig(givenPath: string | undefined): Promise<LoadedConfig> {
  const path = givenPath ? resolve(givenPath) : fileNames.map((name) => resolve(name)).find(existsSync);
  if (!path) {
    throw new ConfigError(
      `there is no soniq.config.ts in ${process.cwd()}: create one that exports defineConfig({ … }) as its default, or name another file with --config`,
    );
  }
  if (!existsSync(path)) throw new ConfigError(`there is no file ${path}: check --config`);
  await registerTypeScript(path);
  const module = (await import(pathToFileURL(path).href).catch((error: unknown) => {
    throw new ConfigError(`${path} cannot be loaded: ${sanitizeText(describeCause(error), 4_000)}`);
  })) as { default?: unknown };
  // In a CommonJS project, the default import is `module.exports`, which has the `default` export as a property.
  const exported = module.default as { default?: unknown } | undefined;
  const config = exported?.default ?? exported;
  if (typeof config !== "object" || config === null) {
    throw new ConfigError(`${path} has no default export: let it \`export default defineConfig({ … })\``);
  }
  return { config: config as WorkerConfig, path };
}

/** Returns the message, and the first position in the user's own code. */
function describeCause(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const frames = (error.stack ?? "").split("\n").filter((frame) => /^\s+at /.test(frame));
  const ownFrame = frames.find((frame) => !/node_modules|node:|\/dist\//.test(frame));
  const position = /((?:file:\/\/)?\/[^()]*:\d+:\d+)\)?$/.exec(ownFrame ?? "")?.[1];
  const message = error.message.replace(/\s*\n\s*/g, " ");
  return position ? `${message} (${position})` : message;
}

async function registerTypeScript(path: string): Promise<void> {
  const tsconfig = findNearest("tsconfig.json", dirname(path));
  // tsx reads the tsconfig path from this variable, for both import and require.
  if (tsconfig) process.env["TSX_TSCONFIG_PATH"] ??= tsconfig;
  // The cache of tsx is in the shared temporary folder, so other users of this machine could plant code there.
  process.env["TSX_DISABLE_CACHE"] = "1";
  const [esm, cjs] = await Promise.all([import("tsx/esm/api"), import("tsx/cjs/api")]);
  esm.register();
  cjs.register();
}

function findNearest(name: string, folder: string): string | undefined {
  const path = join(folder, name);
  if (existsSync(path)) return path;
  const parent = dirname(folder);
  return parent === folder ? undefined : findNearest(name, parent);
}
