/** The URL of the folder that served the page. The dashboard may be mounted at any path. */
export const base = new URL(".", import.meta.url);
