import type { Hono } from "hono";
import { findErrorCode } from "../core/errors.js";
import { Refusal } from "./refusal.js";

const types = { "app.js": "text/javascript; charset=utf-8", "app.css": "text/css; charset=utf-8" } as const;

/** Serves the page, which holds no data. */
export function serveAssets(app: Hono, base: string): void {
  // Its files by their whole path: whether the page's own path ends with a slash depends on where it is mounted.
  app.get("/", async (c) => c.html((await page())["index.html"].replaceAll('"./', `"${base}/`)));
  for (const [name, type] of Object.entries(types))
    app.get(`/${name}`, async (c) => c.body((await page())[name as keyof typeof types], 200, { "content-type": type }));
}

/** Loaded with the first request: an API without its page needs no build. */
async function page() {
  try {
    return (await import("#dashboard-page")).files;
  } catch (error) {
    if (findErrorCode(error) !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new Refusal(503, "the dashboard's page is not built: run `npm run build`");
  }
}
