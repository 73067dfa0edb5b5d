import { posix } from "node:path";
import { codeBlocks, links } from "./markdown.ts";

/** A file of TypeScript that a page shows: each line, and where it stands. */
export interface Sample {
  readonly page: string;
  readonly lines: string[];
  readonly origins: string[];
}

/**
 * The TypeScript files of each page, by name. A block whose first line is `// <path>` is that file; several blocks of one
 * path are one file. A file that a block imports and its page does not show is borrowed from a page that the page links to.
 *
 * @param texts the pages by path
 */
export function pageSamples(texts: Readonly<Record<string, string>>): Map<string, Map<string, Sample>> {
  const shown = new Map(Object.entries(texts).map(([page, text]) => [page, samplesOf(page, text)]));
  const find = (page: string, name: string): Sample | undefined => {
    const linked = links(page, texts[page] ?? "").map(({ file }) => file);
    return [page, ...linked].map((each) => shown.get(each)?.get(name)).find((sample) => sample !== undefined);
  };
  return new Map(
    [...shown].map(([page, own]) => {
      const files = new Map(own);
      // A map that grows while it is walked is walked to its end.
      for (const [name, sample] of files)
        for (const imported of importedFiles(name, sample)) {
          const borrowed = files.has(imported) ? undefined : (find(page, imported) ?? find(sample.page, imported));
          if (borrowed) files.set(imported, borrowed);
        }
      return [page, files];
    }),
  );
}

function samplesOf(page: string, text: string): Map<string, Sample> {
  const samples = new Map<string, Sample>();
  for (const { language, heading, line, code } of codeBlocks(text)) {
    if (language !== "ts" && language !== "typescript") continue;
    const lines = code.split("\n");
    const name = /^\/\/ ([\w./-]+\.[mc]?ts)$/.exec(lines[0] as string)?.[1] ?? `line-${line}.ts`;
    const sample = samples.get(name) ?? { page, lines: [], origins: [] };
    samples.set(name, sample);
    sample.lines.push(...lines);
    sample.origins.push(...lines.map((_, i) => `${page}:${line + i}, under "${heading}"`));
  }
  return samples;
}

/** The files of its own folder, and of those below and above, that a sample imports. */
function importedFiles(name: string, { lines }: Sample): string[] {
  return [...lines.join("\n").matchAll(/from "(\.[^"]+)\.js"/g)].map(([, path]) =>
    posix.join(posix.dirname(name), `${path}.ts`),
  );
}
