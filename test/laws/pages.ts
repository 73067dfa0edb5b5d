import { readdirSync } from "node:fs";
import { posix } from "node:path";
import { root } from "./source-files.ts";

/** The pages for readers, from the repository's root: those beside the README, and all of `docs`. */
export const pages: readonly string[] = [
  ...readdirSync(root),
  ...readdirSync(posix.join(root, "docs"), { recursive: true, encoding: "utf8" }).map((path) => `docs/${path}`),
].filter((path) => path.endsWith(".md"));
