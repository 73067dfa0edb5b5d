import { hostOf } from "./hosts.js";
import { Refusal } from "./refusal.js";

/**
 * Lets in what the dashboard's own page asks, and programs: a page elsewhere may send requests as well, with the cookies of
 * whoever looks at it.
 *
 * @throws Refusal for what another page asks
 */
export function checkOrigin(request: Request): void {
  const { headers } = request;
  const site = headers.get("sec-fetch-site") ?? "none";
  const origin = headers.get("origin");
  if (!(origin === null || isOf(origin, hostOf(request))) || (site !== "same-origin" && site !== "none"))
    throw new Refusal(403, "another page asked for this: only the dashboard's own may");
}

/** The scheme is not known behind a proxy, but for the port that it implies. */
function isOf(origin: string, host: string): boolean {
  const [scheme = ""] = /^https?:\/\//.exec(origin) ?? [];
  const own = scheme + host;
  return scheme !== "" && URL.canParse(origin) && URL.canParse(own) && new URL(origin).host === new URL(own).host;
}

/**
 * The same for what changes something. The header is one that no form can send, and no other page without being asked first.
 *
 * @throws Refusal for what another page, or a form, could have sent
 */
export function checkWrite(request: Request): void {
  const { headers } = request;
  if (headers.get("x-soniq") !== "1") throw new Refusal(403, "the header `x-soniq: 1` is missing: send it along");
  const type = headers.get("content-type");
  if (type !== null && !/^application\/json\s*(;|$)/i.test(type))
    throw new Refusal(415, `the content type is ${JSON.stringify(type.slice(0, 100))}: send JSON, or nothing`);
}
