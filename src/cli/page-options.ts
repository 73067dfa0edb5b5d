import type { Command } from "commander";
import { parseWholeNumber } from "./whole-number.js";

/** Adds the options of a paged list: the library's `PageOptions`. */
export function addPageOptions(command: Command): Command {
  return command
    .option("--cursor <text>", "continue after the previous page, with the cursor that it printed")
    .option("--limit <n>", "maximum number of rows, up to 1000", parseWholeNumber, 50);
}
