// The command line and the configurations of child processes, bundled once per test run: a process that loads a bundle starts
// about three times as fast as one that compiles each source file.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { TestProject } from "vitest/node";
import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    programs: string;
  }
}

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Vitest's global setup: bundles the programs into a folder of this run, which the teardown removes. */
export default async function setup(project: TestProject): Promise<() => void> {
  const folder = join(root, ".out", `programs-${process.pid}`);
  const configurations = readdirSync(import.meta.dirname).filter((file) => file.endsWith(".config.ts"));
  // The configurations are bundled, too, so nothing needs tsx, whose start takes a quarter of a command's time. test/package runs
  // the command line with tsx.
  const tsxStub = join(folder, "tsx-stub.js");
  mkdirSync(folder, { recursive: true });
  writeFileSync(tsxStub, "export const register = () => {};\n");
  await build({
    absWorkingDir: root,
    entryPoints: ["src/cli/main.ts", ...configurations.map((file) => `test/support/${file}`)],
    outbase: ".",
    outdir: folder,
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    packages: "external",
    alias: { "tsx/esm/api": tsxStub, "tsx/cjs/api": tsxStub },
  });
  project.provide("programs", folder);
  return () => rmSync(folder, { recursive: true, force: true });
}

/**
 * The arguments with which Node runs `soniq-drizzle`, as the sources have it.
 *
 * @param args the subcommand and its options
 * @param config the configuration's file in test/support
 */
export function soniqArguments(args: readonly string[], config = "child.config.ts"): string[] {
  const folder = inject("programs");
  return [
    join(folder, "src/cli/main.js"),
    ...args,
    "--config",
    join(folder, "test/support", config.replace(/\.ts$/, ".js")),
  ];
}
