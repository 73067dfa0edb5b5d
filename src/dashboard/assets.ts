import type { Hono } from "hono";
import { findErrorCode } from "../core/errors.js";
import { Refusal } from "./refusal.js";

const contentTypes = { "app.js": "text/javascript; charset=utf-8", "app.css": "text/css; charset=utf-8" } as const;

/** Serves the page's files. They contain no data, so they need no authentication. */
export function serveAssets(app: Hono, base: string): void {
  // Absolute paths to the files: relative ones would depend on whether the URL that the page is mounted at ends with a slash.
  app.get("/", async (c) => c.html((await loadPage())["index.html"].replaceAll('"./', `"${base}/`)));
  for (const [name, type] of Object.entries(contentTypes))
    app.get(`/${name}`, async (c) =>
      c.body((await loadPage())[name as keyof typeof contentTypes], 200, { "content-type": type }),
    );
}

/** Loads the page on the first request, so that the API works without a build of the page. */
async function loadPage() {
  try {
    return (await import("#dashboard-page")).files;
  } catch (error) {
    if (findErrorCode(error) !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new Refusal(503, "the dashboard's page has not been built: run `npm run build`");
  }
}
