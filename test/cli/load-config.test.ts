// Which code a configuration may be: that of its own file, and nothing that others left in a shared folder.
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parseConfig } from "../../src/worker/settings/settings.ts";

test("nothing is taken from, or put into, the folder of tsx in the shared temporary one", () => {
  const folder = mkdtempSync(join(tmpdir(), "soniq-config-"));
  const cache = join(folder, `tsx-${process.getuid?.() ?? ""}`);
  mkdirSync(cache);
  writeFileSync(join(folder, "soniq.config.ts"), "const url: string = 'x'; export default { connection: url };");
  const loader = fileURLToPath(new URL("../../src/cli/load-config.ts", import.meta.url));
  const script = `import { loadConfig } from ${JSON.stringify(loader)}; console.log(JSON.stringify(await loadConfig("soniq.config.ts")));`;
  writeFileSync(join(folder, "load.mts"), script);
  const tsx = fileURLToPath(import.meta.resolve("tsx"));
  const { stdout, stderr } = spawnSync(process.execPath, ["--import", tsx, "load.mts"], {
    cwd: folder,
    // Of the test's own tsx, which is not what is tested, nothing is to be found there either.
    env: { ...process.env, TMPDIR: folder, TSX_DISABLE_CACHE: "1" },
    encoding: "utf8",
    timeout: 60_000,
  });
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toMatchObject({ config: { connection: "x" } });
  expect(readdirSync(cache)).toEqual([]);
});

test.each(["postgres://u:p@ss/w#rd@host/db", "postgres://u:p@ss?w@host/db"])(
  "a password that is taken for a host is refused before anybody looks for that: %s",
  (connection) => {
    expect(() => parseConfig({ connection, jobs: {}, handlers: {} })).toThrow(/percent-encode special characters/);
  },
);
