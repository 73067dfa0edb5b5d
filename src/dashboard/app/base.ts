/** Where the page was loaded from, wherever that is mounted. */
export const base = new URL(".", import.meta.url);
