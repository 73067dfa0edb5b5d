import type { HonoRequest } from "hono";
import { parseText } from "../core/json.js";
import { parseEndpointId } from "../webhooks/endpoints.js";
import { parseId } from "./query.js";

const maxNameLength = 200;

/** Names that cannot be a path segment, because clients resolve them as relative paths. Requests send `-` with `?target=`. */
const dotNames = new Set([".", ".."]);

/**
 * Parses the target of a request. Ids must be in canonical form, so that the authorization, the action and the audit log all use
 * the same text.
 *
 * @throws Refusal, NotFoundError or InvalidValueError for an invalid name or id
 */
export function parseTarget(request: HonoRequest, path: string): string {
  const param = request.param("target");
  if (param === undefined) return "";
  const dotName = request.query("target") ?? "";
  return canonicalize(path, param === "-" && dotNames.has(dotName) ? dotName : param);
}

/** Returns the path of a read request with canonical ids, such as `jobs/17`, for `authorize`. */
export function toCanonicalPath(request: HonoRequest, path: string): string {
  return path.slice(1).replace(/:(\w+)/g, (_, name: string) => canonicalize(path, request.param(name) ?? ""));
}

function canonicalize(path: string, param: string): string {
  const [, resource] = path.split("/");
  switch (resource) {
    case "jobs":
      return String(parseId(param, "a job's"));
    case "deliveries":
      return String(parseId(param, "a delivery's"));
    case "endpoints":
      return parseEndpointId(param);
    default:
      return parseText(param, "name", maxNameLength);
  }
}
