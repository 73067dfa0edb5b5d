/** The page's files by name. `npm run build` generates this module as dist/dashboard/page.js. */
export declare const files: Readonly<Record<"index.html" | "app.js" | "app.css", string>>;
