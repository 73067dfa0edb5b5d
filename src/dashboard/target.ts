import type { HonoRequest } from "hono";
import { parseText } from "../core/json.js";
import { endpointId } from "../webhooks/endpoints.js";
import { idOf } from "./query.js";

const maxNameLength = 200;

/** Names that an address cannot hold: whoever sends it makes another path of it. They are sent as `-`, with `?target=`. */
const dotNames = new Set([".", ".."]);

/**
 * What a route's target is called: of an id the one way in which it is written, so that what is authorized, done and written
 * down is one and the same text.
 *
 * @throws Refusal, NotFoundError or InvalidValueError for what cannot be the name or id of such a thing
 */
export function targetOf(request: HonoRequest, path: string): string {
  const given = request.param("target");
  if (given === undefined) return "";
  const dots = request.query("target") ?? "";
  return canonical(path, given === "-" && dotNames.has(dots) ? dots : given);
}

/** The path of a request for something to be looked at, as `authorize` is asked about it, such as `jobs/17`. */
export function canonicalPath(request: HonoRequest, path: string): string {
  return path.slice(1).replace(/:(\w+)/g, (_, name: string) => canonical(path, request.param(name) ?? ""));
}

function canonical(path: string, given: string): string {
  const [, resource] = path.split("/");
  switch (resource) {
    case "jobs":
      return String(idOf(given, "a job's"));
    case "deliveries":
      return String(idOf(given, "a delivery's"));
    case "endpoints":
      return endpointId(given);
    default:
      return parseText(given, "name", maxNameLength);
  }
}
