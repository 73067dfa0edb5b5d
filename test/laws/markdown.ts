import { posix } from "node:path";

/** A fenced block of code in a page. */
export interface CodeBlock {
  readonly language: string;
  /** The heading that it stands under. */
  readonly heading: string;
  /** Where its first line of code is in the page, from 1. */
  readonly line: number;
  readonly code: string;
}

/** All fenced blocks of a page; those within `<!-- … -->` too, which readers do not see. */
export function codeBlocks(page: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let heading = "the beginning";
  let open: { language: string; line: number; code: string[] } | undefined;
  for (const [i, text] of page.split("\n").entries()) {
    const fence = /^```(\w*)/.exec(text);
    if (open && fence) {
      blocks.push({ heading, ...open, code: open.code.join("\n") });
      open = undefined;
    } else if (open) open.code.push(text);
    else if (fence) open = { language: fence[1] ?? "", line: i + 2, code: [] };
    else heading = /^#+ (.*)$/.exec(text)?.[1] ?? heading;
  }
  if (open) throw new Error(`the block in line ${open.line} has no end`);
  return blocks;
}

/** The commands that a page tells its readers to type: the lines of its shell blocks, and what stands `inline`. */
export function commands(page: string): string[] {
  const shell = codeBlocks(page).filter(({ language }) => /^(sh|bash|shell|console)$/.test(language));
  const lines = shell.flatMap(({ code }) => code.split("\n"));
  const inline = [...page.matchAll(/`((?:npm|npx) [^`\n]+)`/g)].map(([, command]) => command as string);
  return [...lines, ...inline]
    .flatMap((line) => line.replace(/(^|\s)#.*$/, "").split(/&&|\|\|?|;/))
    .map((command) => command.trim().replace(/^(\$ )?(\w+=\S* )*/, ""))
    .filter((command) => command !== "");
}

/** A file of the repository that a page links to. */
interface Link {
  /** From the repository's root; the page itself for `#heading`. */
  readonly file: string;
  /** The heading's anchor, or empty. */
  readonly anchor: string;
}

/**
 * The files and headings of the repository that a page links to.
 *
 * @param path the page, from the repository's root: links are relative to it
 */
export function links(path: string, page: string): Link[] {
  return [...page.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target as string)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file = "", anchor = ""] = target.split("#");
      return { file: file === "" ? path : posix.join(posix.dirname(path), file), anchor };
    });
}

/** The anchors of a page's headings. */
export function anchors(page: string): Set<string> {
  const blocks = codeBlocks(page).map(({ line, code }) => ({ from: line, to: line + code.split("\n").length }));
  return new Set(
    page.split("\n").flatMap((text, i) => {
      const title = /^#+ (.*)$/.exec(text)?.[1];
      return title === undefined || blocks.some(({ from, to }) => i + 1 >= from && i + 1 < to) ? [] : [anchorOf(title)];
    }),
  );
}

/** As GitHub makes it. */
const anchorOf = (title: string) =>
  title
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
