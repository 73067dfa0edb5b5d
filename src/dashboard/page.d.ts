/** The page's files by their names: `npm run build` makes this module, as dist/dashboard/page.js. */
export declare const files: Readonly<Record<"index.html" | "app.js" | "app.css", string>>;
