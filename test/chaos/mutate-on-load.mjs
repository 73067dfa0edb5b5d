// Loaded before a worker with `--import`: rewrites the built code as it is loaded, as CHAOS_MUTANT says (mutants.ts).
import { writeSync } from "node:fs";
import { register } from "node:module";
import { isMainThread } from "node:worker_threads";

const rewrites = JSON.parse(process.env.CHAOS_MUTANT ?? "[]");

// Node runs the hooks in a thread of their own, which loads this file again.
if (isMainThread) register(import.meta.url);

/** @param {string} url */
export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context);
  const own = rewrites.filter(({ file }) => url.endsWith(`/dist/src/${file}`));
  if (own.length === 0) return loaded;
  let source = loaded.source.toString();
  for (const { file, search, replacement } of own) {
    const parts = source.split(search);
    if (parts.length !== 2)
      throw new Error(`mutant: ${file} has ${parts.length - 1} times what is to be rewritten: ${search}`);
    source = parts.join(replacement);
    writeSync(2, `mutated ${file}\n`);
  }
  return { ...loaded, source };
}
