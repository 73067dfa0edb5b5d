import { ConfigError } from "../core/errors.js";
import type { Queryable } from "../core/queryable.js";
import { type Authorize, type Access, accessOf } from "./access.js";
import { allowedHosts } from "./hosts.js";
import type { LinkedJob } from "./link.js";
import { redaction, type Redact } from "./redact.js";

/** How a dashboard is served. It needs a `token`, or `authorize`, or both. */
export interface DashboardOptions {
  /** Any Drizzle PostgreSQL database whose driver has transactions. */
  readonly db: Queryable;
  /** The path that it is mounted at, as the browser sees it: `"/admin/jobs"`. Default `"/"`. */
  readonly basePath?: string | undefined;
  /** What requests must carry as `authorization: Bearer …`; its page takes it from `#token=…` behind its address. 16 characters or more. */
  readonly token?: string | undefined;
  /** Asked about each request, but those for the page itself, which holds no data. By default, the token allows all that the other options do. */
  readonly authorize?: Authorize | undefined;
  /** Whether anything may be changed. Default false: it only shows. */
  readonly write?: boolean | undefined;
  /** The names under which it may be asked for, such as `"jobs.example.com"`, beside those of this machine. */
  readonly hosts?: readonly string[] | undefined;
  /** A page of your own about a job, by http(s) or relative to the dashboard. */
  readonly link?: ((job: LinkedJob) => string | undefined) | undefined;
  /** More fields whose values are not shown, by their names, beside passwords, tokens and the like. */
  readonly redact?: readonly (string | RegExp)[] | undefined;
  /** Whether the values of such fields may be looked at, job by job, which is written down. Default false. */
  readonly reveal?: boolean | undefined;
}

/** Options that were read: defaults filled in. */
export interface DashboardSettings {
  readonly db: Queryable;
  /** Without a slash at its end: empty for the root. */
  readonly base: string;
  readonly access: Access;
  readonly isAllowedHost: (request: Request) => boolean;
  readonly link: ((job: LinkedJob) => string | undefined) | undefined;
  readonly redact: Redact;
}

/**
 * @throws ConfigError for options that cannot work, or would let everybody in
 * @throws InvalidValueError for a host that is none
 */
export function parseOptions(options: DashboardOptions): DashboardSettings {
  const { db, basePath = "/", hosts = [], link, redact = [] } = options;
  const base = basePath.replace(/\/$/, "");
  // It becomes a part of the page.
  if (!/^(\/[\w.~-]+)*$/.test(base))
    throw new ConfigError(`the dashboard's basePath is ${JSON.stringify(basePath)}: give a path such as "/admin/jobs"`);
  return {
    db,
    base,
    access: accessOf(options),
    isAllowedHost: allowedHosts(hosts),
    link,
    redact: redaction(redact),
  };
}
