import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import packed from "@sparticuz/chromium";
import { type Browser, chromium } from "playwright-core";

/** A headless Chromium; null, and a loud word, where there is none. */
export async function openBrowser(): Promise<Browser | null> {
  const executablePath = process.env["CHROMIUM_PATH"] ?? (await unpacked());
  if (executablePath === null) {
    console.warn("NO BROWSER TESTS RUN HERE: set CHROMIUM_PATH to a Chromium or Chrome.");
    return null;
  }
  // One process for all of it is for places with less memory, and crashes.
  const args = packed.args.filter((arg) => arg !== "--single-process" && !arg.startsWith("--headless"));
  // Its fonts are beside it.
  const env = { ...process.env, FONTCONFIG_PATH: join(dirname(executablePath), "fonts") };
  return chromium.launch({ executablePath, args, env, headless: true });
}

/** npm's Chromium, unpacked once per installation. Two that do so at the same time do not meet half a file. */
async function unpacked(): Promise<string | null> {
  if (process.platform !== "linux" || process.arch !== "x64") return null;
  const folder = fileURLToPath(new URL("../../../node_modules/.cache/chromium", import.meta.url));
  if (!existsSync(folder)) {
    mkdirSync(dirname(folder), { recursive: true });
    const mine = mkdtempSync(`${folder}-`);
    const before = process.env["TMPDIR"];
    process.env["TMPDIR"] = mine;
    await packed.executablePath().finally(() => {
      if (before === undefined) delete process.env["TMPDIR"];
      else process.env["TMPDIR"] = before;
    });
    try {
      renameSync(mine, folder);
    } catch {
      rmSync(mine, { recursive: true });
    }
  }
  return join(folder, "chromium");
}
