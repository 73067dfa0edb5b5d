import { createInterface } from "node:readline/promises";
import { InvalidValueError } from "../core/errors.js";

/**
 * Asks for confirmation before a command changes many rows.
 *
 * @returns whether to continue; `true` without asking if `--yes` is given
 * @throws InvalidValueError if stdin is not a terminal, so nobody can answer
 */
export async function confirm(question: string, { yes }: { readonly yes?: true }): Promise<boolean> {
  if (yes) return true;
  if (!process.stdin.isTTY)
    throw new InvalidValueError(
      "--yes",
      "is missing: stdin is not a terminal, so the command cannot ask for confirmation",
    );
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
