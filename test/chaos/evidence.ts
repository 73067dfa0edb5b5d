import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { History } from "./history.ts";
import type { Violation } from "./verdict.ts";

/** Writes a red run's history and the logs of its workers into a folder of their own. @returns the folder */
export function writeEvidence({ lives, ...history }: History, violations: readonly Violation[]): string {
  const folder = mkdtempSync(join(tmpdir(), "soniq-chaos-"));
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  for (const { worker, pid, output } of lives) write(`worker-${worker}-pid-${pid}.log`, output);
  const withoutOutput = lives.map((life) => ({ ...life, output: undefined }));
  write("history.json", JSON.stringify({ violations, lives: withoutOutput, ...history }, null, 1));
  return folder;
}
