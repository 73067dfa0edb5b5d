import { InvalidArgumentError } from "commander";

/** For an option of commander's. @throws InvalidArgumentError for an invalid port */
export function parsePort(text: string): number {
  const n = Number(text);
  if (text.trim() === "" || !Number.isInteger(n) || n < 0 || n > 65_535)
    throw new InvalidArgumentError("give a port from 1 to 65535, or 0 for any free port.");
  return n;
}
