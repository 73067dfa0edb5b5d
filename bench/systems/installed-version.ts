import { readFileSync } from "node:fs";

/** Returns the installed version of a package. Not every package exports its package.json. */
export function installedVersion(name: string): string {
  const manifest = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}
