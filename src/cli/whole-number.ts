import { InvalidArgumentError } from "commander";

/** For an option or argument of commander's. @throws InvalidArgumentError for what is no whole number from 1 */
export function wholeNumber(text: string): number {
  const n = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(n) || n < 1)
    throw new InvalidArgumentError("give a whole number from 1.");
  return n;
}

/** The same for one that takes several. */
export function wholeNumbers(text: string, before: readonly number[] = []): readonly number[] {
  return [...before, wholeNumber(text)];
}
