import { ConfigError } from "../core/errors.js";
import type { Queryable } from "../core/queryable.js";
import { type Authorize, type Access, createAccess } from "./access.js";
import { createHostCheck } from "./hosts.js";
import type { LinkedJob } from "./link.js";
import { createRedactor, type Redactor } from "./redact.js";

/** The options of a dashboard. It needs `token`, `authorize`, or both. */
export interface DashboardOptions {
  /** Any Drizzle PostgreSQL database whose driver supports transactions. */
  readonly db: Queryable;
  /** The path that the dashboard is mounted at, as the browser sees it, such as `"/admin/jobs"`. Default `"/"`. */
  readonly basePath?: string | undefined;
  /**
   * The token that requests must send as `authorization: Bearer …`, 16 characters or more. The page reads it from `#token=…` in
   * its URL.
   */
  readonly token?: string | undefined;
  /**
   * Decides about each request except those for the page's own files, which contain no data. By default, the token allows
   * everything that the other options allow.
   */
  readonly authorize?: Authorize | undefined;
  /** Whether the dashboard may change anything. Default false: it is read-only. */
  readonly write?: boolean | undefined;
  /** The host names that requests may use, such as `"jobs.example.com"`, in addition to those of this machine. */
  readonly hosts?: readonly string[] | undefined;
  /** Returns the URL of your own page about a job, with http(s) or relative to the dashboard. */
  readonly link?: ((job: LinkedJob) => string | undefined) | undefined;
  /** Names of further fields whose values are hidden, in addition to passwords, tokens and the like. */
  readonly redact?: readonly (string | RegExp)[] | undefined;
  /** Whether users may reveal the hidden values of a job. The audit log records each reveal. Default false. */
  readonly reveal?: boolean | undefined;
}

/** Parsed options, with defaults filled in. */
export interface DashboardSettings {
  readonly db: Queryable;
  /** The base path without a trailing slash: empty for the root. */
  readonly base: string;
  readonly access: Access;
  readonly isAllowedHost: (request: Request) => boolean;
  readonly link: ((job: LinkedJob) => string | undefined) | undefined;
  readonly redact: Redactor;
}

/**
 * @throws ConfigError for invalid options, or if neither `token` nor `authorize` is set
 * @throws InvalidValueError for an invalid host
 */
export function parseOptions(options: DashboardOptions): DashboardSettings {
  const { db, basePath = "/", hosts = [], link, redact = [] } = options;
  const base = basePath.replace(/\/$/, "");
  // The path is inserted into the page's HTML, so it must not need escaping.
  if (!/^(\/[\w.~-]+)*$/.test(base))
    throw new ConfigError(`the dashboard's basePath is ${JSON.stringify(basePath)}: give a path such as "/admin/jobs"`);
  return {
    db,
    base,
    access: createAccess(options),
    isAllowedHost: createHostCheck(hosts),
    link,
    redact: createRedactor(redact),
  };
}
