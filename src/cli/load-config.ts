import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { ConfigError } from "../core/errors.js";
import { sanitizeText } from "../core/storable.js";
import type { WorkerConfig } from "../worker/settings/config.js";

const names = ["soniq.config.ts", "soniq.config.mts", "soniq.config.js", "soniq.config.mjs"];

/** A configuration and the file that it came from. */
export interface LoadedConfig {
  readonly config: WorkerConfig;
  readonly path: string;
}

/**
 * Loads the configuration, TypeScript and the paths of its tsconfig.json included.
 *
 * @param given the file named on the command line; by default a `soniq.config` in the current folder
 * @throws ConfigError if there is none, or it cannot be loaded
 */
export async function loadConfig(given: string | undefined): Promise<LoadedConfig> {
  const path = given ? resolve(given) : names.map((name) => resolve(name)).find(existsSync);
  if (!path) {
    throw new ConfigError(
      `there is no soniq.config.ts in ${process.cwd()}: create one that exports defineConfig({ … }) as its default, or name another file with --config`,
    );
  }
  if (!existsSync(path)) throw new ConfigError(`there is no file ${path}: check --config`);
  await registerTypeScript(path);
  const loaded = (await import(pathToFileURL(path).href).catch((error: unknown) => {
    throw new ConfigError(`${path} cannot be loaded: ${sanitizeText(cause(error), 4_000)}`);
  })) as { default?: unknown };
  // From a CommonJS project, the module's exports are the default, and have one of their own.
  const exported = loaded.default as { default?: unknown } | undefined;
  const config = exported?.default ?? exported;
  if (typeof config !== "object" || config === null) {
    throw new ConfigError(`${path} has no default export: let it \`export default defineConfig({ … })\``);
  }
  return { config: config as WorkerConfig, path };
}

/** The message, and the first place in the user's own code. */
function cause(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const frames = (error.stack ?? "").split("\n").filter((frame) => /^\s+at /.test(frame));
  const own = frames.find((frame) => !/node_modules|node:|\/dist\//.test(frame));
  const place = /((?:file:\/\/)?\/[^()]*:\d+:\d+)\)?$/.exec(own ?? "")?.[1];
  const message = error.message.replace(/\s*\n\s*/g, " ");
  return place ? `${message} (${place})` : message;
}

async function registerTypeScript(path: string): Promise<void> {
  const tsconfig = nearest("tsconfig.json", dirname(path));
  // tsx reads it from here, for import and require alike.
  if (tsconfig) process.env["TSX_TSCONFIG_PATH"] ??= tsconfig;
  // It would trust what other users of this machine put into its folder in the shared temporary one.
  process.env["TSX_DISABLE_CACHE"] = "1";
  const [esm, cjs] = await Promise.all([import("tsx/esm/api"), import("tsx/cjs/api")]);
  esm.register();
  cjs.register();
}

function nearest(name: string, folder: string): string | undefined {
  const path = join(folder, name);
  if (existsSync(path)) return path;
  const parent = dirname(folder);
  return parent === folder ? undefined : nearest(name, parent);
}
