import { useEffect, useState } from "preact/hooks";
import { type QueryValues, withQuery } from "./api.js";

/** The current page. The route lives in the hash, so that the dashboard can be mounted at any path. */
export interface Route {
  readonly page: string;
  readonly id: string | null;
  readonly query: Readonly<Record<string, string>>;
}

/** Parses a hash: `#/jobs?state=dead` is the page `jobs` with a query, `#/jobs/7` is the page of one job. */
export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#?\/?/, "").split("?", 2);
  const [page = "", id] = path.split("/");
  return {
    page: page || "overview",
    id: id ? decodeSegment(id) : null,
    query: Object.fromEntries(new URLSearchParams(query)),
  };
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** Returns the address of a page. */
export const href = (page: string, values: QueryValues = {}): string => withQuery(`#/${page}`, values);
/** Returns the address of a job's page. */
export const jobHref = (id: number | string): string => `#/jobs/${id}`;

export function navigate(address: string): void {
  window.location.hash = address;
}

/** Changes the route without a history entry, such as after each change of a filter. */
export const replaceRoute = (address: string): void => window.location.replace(address);

export function useRoute(): Route {
  const [hash, setHash] = useState(window.location.hash);
  useEffect(() => {
    const update = () => setHash(window.location.hash);
    window.addEventListener("hashchange", update);
    return () => window.removeEventListener("hashchange", update);
  }, []);
  return parseRoute(hash);
}
