import type { Command } from "commander";
import { wholeNumber } from "./whole-number.js";

/** Adds the options of a list that comes page by page: the library's `PageOptions`. */
export function withPages(command: Command): Command {
  return command
    .option("--cursor <text>", "where the page before ended")
    .option("--limit <n>", "how many at the most, up to 1000", wholeNumber, 50);
}
