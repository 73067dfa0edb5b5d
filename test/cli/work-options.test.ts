// `soniq-drizzle work` starts with no option that would do nothing.
import { expect, test } from "vitest";
import { soniq } from "../support/command-line.ts";

test.each([
  [["--wait", "5s"], "--drain is missing: --wait does nothing without it"],
  [["--max-duration", "10m"], "--drain is missing: --max-duration does nothing without it"],
  [["--health-host", "127.0.0.1"], "--health-port is missing: --health-host does nothing without it"],
  [["--metrics-host", "127.0.0.1"], "--metrics-port is missing: --metrics-host does nothing without it"],
])("not with %j alone", async (options, said) => {
  const ended = await soniq("postgres://127.0.0.1:1/nowhere", ["work", ...options]);
  expect(ended).toEqual({ status: 2, stdout: "", stderr: `soniq-drizzle: ${said}\n` });
});
