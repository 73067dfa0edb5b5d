import { useEffect, useState } from "preact/hooks";
import { type Values, withQuery } from "./api.js";

/** Where the reader is. It lives in the hash, so that the page can be mounted anywhere. */
export interface Route {
  readonly page: string;
  readonly id: string | null;
  readonly query: Readonly<Record<string, string>>;
}

/** `#/jobs?state=dead` is the page `jobs` with a query, `#/jobs/7` the one of a job. */
export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#?\/?/, "").split("?", 2);
  const [page = "", id] = path.split("/");
  return {
    page: page || "overview",
    id: id ? decoded(id) : null,
    query: Object.fromEntries(new URLSearchParams(query)),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What a link to a page points to. */
export const href = (page: string, values: Values = {}): string => withQuery(`#/${page}`, values);
export const jobHref = (id: number | string): string => `#/jobs/${id}`;

export function go(to: string): void {
  window.location.hash = to;
}

/** Changes where the reader is without a step in the history, as for filters that are typed. */
export const goInstead = (to: string): void => window.location.replace(to);

export function useRoute(): Route {
  const [hash, setHash] = useState(window.location.hash);
  useEffect(() => {
    const follow = () => setHash(window.location.hash);
    window.addEventListener("hashchange", follow);
    return () => window.removeEventListener("hashchange", follow);
  }, []);
  return parseRoute(hash);
}
