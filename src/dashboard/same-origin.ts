import { getHost } from "./hosts.js";
import { Refusal } from "./refusal.js";

/**
 * Accepts requests from the dashboard's own page and from programs, but not from other sites: their pages could send requests
 * with the cookies of the user who visits them (CSRF).
 *
 * @throws Refusal for a request from another site
 */
export function checkOrigin(request: Request): void {
  const { headers } = request;
  const site = headers.get("sec-fetch-site") ?? "none";
  const origin = headers.get("origin");
  if (!(origin === null || isSameHost(origin, getHost(request))) || (site !== "same-origin" && site !== "none"))
    throw new Refusal(403, "the request comes from another site: use the dashboard's own page");
}

/** Compares hosts only: behind a proxy, the scheme is unknown. The origin's scheme supplies the default port. */
function isSameHost(origin: string, host: string): boolean {
  const [scheme = ""] = /^https?:\/\//.exec(origin) ?? [];
  const ownOrigin = scheme + host;
  return (
    scheme !== "" && URL.canParse(origin) && URL.canParse(ownOrigin) && new URL(origin).host === new URL(ownOrigin).host
  );
}

/**
 * Checks a request that changes something. It must have a header that a form cannot send, and that another site can send only
 * after a CORS preflight, which the dashboard does not allow.
 *
 * @throws Refusal for a request that a form or another site could have sent
 */
export function checkWrite(request: Request): void {
  const { headers } = request;
  if (headers.get("x-soniq") !== "1") throw new Refusal(403, "the header `x-soniq: 1` is missing: add it");
  const type = headers.get("content-type");
  if (type !== null && !/^application\/json\s*(;|$)/i.test(type))
    throw new Refusal(
      415,
      `the content type is ${JSON.stringify(type.slice(0, 100))}: send application/json, or no body`,
    );
}
