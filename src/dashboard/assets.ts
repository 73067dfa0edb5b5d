import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Hono } from "hono";
import { errorCode } from "../core/errors.js";
import { Refusal } from "./refusal.js";

/** Where the build puts the page: found from the sources as well. */
const folder = join(
  dirname(createRequire(import.meta.url).resolve("soniq-drizzle/package.json")),
  "dist/dashboard/app",
);

const types = { "app.js": "text/javascript; charset=utf-8", "app.css": "text/css; charset=utf-8" };

/** Serves the page, which holds no data: these files, and nothing else that lies beside them. */
export function serveAssets(app: Hono, base: string): void {
  app.get("/", async (c) => c.html(await page(base)));
  for (const [name, type] of Object.entries(types))
    app.get(`/${name}`, async (c) => c.body(await asset(name), 200, { "content-type": type }));
}

/** Its own files by their whole path: whether the page's ends with a slash is not ours to say, wherever it is mounted. */
async function page(base: string): Promise<string> {
  return (await asset("index.html")).replaceAll('"./', `"${base}/`);
}

function asset(name: string): Promise<string> {
  return readFile(join(folder, name), "utf8").catch((error: unknown) => {
    if (errorCode(error) !== "ENOENT") throw error;
    throw new Refusal(503, "the dashboard's page is not built: run `npm run build`");
  });
}
