import { createInterface } from "node:readline/promises";
import { InvalidValueError } from "../core/errors.js";

/**
 * Asks before something is done to many rows.
 *
 * @returns whether to go on: at once with `--yes`
 * @throws InvalidValueError where nobody can answer
 */
export async function confirmed(question: string, { yes }: { readonly yes?: true }): Promise<boolean> {
  if (yes) return true;
  if (!process.stdin.isTTY) throw new InvalidValueError("--yes", "is missing: nobody is here to be asked");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
