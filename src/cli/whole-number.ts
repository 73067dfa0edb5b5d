import { InvalidArgumentError } from "commander";

/** For an option or argument of commander's. @throws InvalidArgumentError for anything but a whole number from 1 */
export function parseWholeNumber(text: string): number {
  const n = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(n) || n < 1)
    throw new InvalidArgumentError("give a whole number from 1.");
  return n;
}

/** For an option or argument that takes several numbers: commander calls it once per number. @throws InvalidArgumentError */
export function parseWholeNumbers(text: string, previous: readonly number[] = []): readonly number[] {
  return [...previous, parseWholeNumber(text)];
}
