import type { Command } from "commander";
import { createProgram } from "../../src/cli/program.ts";

/** A command that a text tells its readers to type, and its line in that text, from 1. */
export interface NamedCommand {
  readonly line: number;
  /** What stands behind `soniq-drizzle`. */
  readonly words: readonly string[];
}

/** The commands of ours that a text names: with `npx`, as code, or in a sentence. */
export function namedCommands(text: string): NamedCommand[] {
  return text.split("\n").flatMap((line, i) =>
    [...line.matchAll(mention)].flatMap(([, isCode, rest = ""]) => {
      const words = wordsOf(rest);
      const isCommand = isCode !== undefined || commandOf(program, words[0] ?? "") !== undefined;
      return isCommand && words.length > 0 ? [{ line: i + 1, words }] : [];
    }),
  );
}

/** What does not exist of a command, as the command line itself knows it. No process is started. */
export function whatIsMissing(words: readonly string[]): string[] {
  const path: string[] = [];
  let command = program;
  const rest = [...words];
  // A command of commands is followed by one of them; `${verb}` stands for any.
  while (command.commands.length > 0 && rest[0] !== undefined && !/^(-|\$\{|…)/.test(rest[0])) {
    path.push(rest.shift() as string);
    const next = commandOf(command, path.at(-1) as string);
    if (!next) return [`there is no command ${path.join(" ")}`];
    command = next;
  }
  const flags = rest.flatMap((word) => /^--?[a-z][\w-]*/.exec(word)?.[0] ?? []);
  const commands = rest[0]?.startsWith("${") ? command.commands : [command];
  return flags
    .filter((flag) => !commands.some((each) => hasOption(each, flag)))
    .map((flag) => `${["soniq-drizzle", ...path].join(" ")} has no ${flag}`);
}

/** All commands in the order of the help, such as `jobs list`. */
export function allCommands(command: Command = program, path: readonly string[] = []): string[] {
  if (command.commands.length === 0) return [path.join(" ")];
  return command.commands.flatMap((each) => allCommands(each, [...path, each.name()]));
}

const program = await createProgram();

/** What ends a command: the quotes around it, the text behind it, or the shell. */
const end = /`|<\/|\\n|&&|\||\s#|\s>/;
const mention =
  /(npx (?:-\S+ )*|`|<code>)?(?<![\w@/-]|(?<!npx )install )(?:\S*\/)?soniq-drizzle(?:\.js)?["',]*\s+(?=[^\s=])(?=(.*))/g;

const wordsOf = (text: string) =>
  (text.split(end)[0] as string)
    .split(/\s+/)
    .map((word) => word.replace(/^["'[(]+|[\]"',;:.)]+$/g, ""))
    .filter((word) => word !== "");

const commandOf = (command: Command, name: string) =>
  command.commands.find((each) => each.name() === name || each.aliases().includes(name));

const hasOption = (command: Command, flag: string) =>
  flag === "--help" || flag === "-h" || command.options.some(({ short, long }) => short === flag || long === flag);
