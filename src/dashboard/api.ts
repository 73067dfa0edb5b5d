import { type Context, Hono, type HonoRequest, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import * as v from "valibot";
import { recordAudit } from "../audit/record-audit.js";
import { InvalidValueError } from "../core/errors.js";
import type { Queryable } from "../core/queryable.js";
import { runBoundedTransaction } from "../database/bounded-transaction.js";
import { getActorName, type WriteAction, type DashboardAction, type User } from "./access.js";
import type { DashboardSettings } from "./options.js";
import { toProblem } from "./problem.js";
import { parseValue } from "./query.js";
import { Refusal } from "./refusal.js";
import { RefusalLog } from "./refusal-log.js";
import { checkOrigin, checkWrite } from "./same-origin.js";
import { toCanonicalPath, parseTarget } from "./target.js";

const statementTimeoutMs = 5_000;
const maxBodyBytes = 64 * 1024;

/** A change that a request asks for. */
export interface Change {
  readonly action: WriteAction;
  readonly target: string;
  /** The request's body; undefined if it is empty. */
  readonly body: Readonly<Record<string, unknown>> | undefined;
  readonly actor: string;
  readonly request: Request;
}

/** The default schema of a change's body: no fields. */
const emptyBody = v.optional(v.strictObject({}));

/** The routes of the API. Each route checks the request before it calls its handler, in a transaction where it needs one. */
export class Api {
  readonly routes = new Hono<Env>();
  readonly #refusals: RefusalLog;

  constructor(readonly settings: DashboardSettings) {
    this.#refusals = new RefusalLog((record) => this.runReadWrite(record));
    this.routes.use(async (c, next) => {
      checkOrigin(c.req.raw);
      await next();
    });
  }

  /** Adds a route that reads, in a read-only transaction. */
  addReadRoute(path: string, read: (db: Queryable, request: HonoRequest) => Promise<object>): void {
    this.addGetRoute(path, async (c) => c.json(await this.runReadOnly((db) => read(db, c.req))));
  }

  /** Adds a GET route whose handler builds the response, for users who may read. */
  addGetRoute(path: string, handler: (c: Context, user: User) => Response | Promise<Response>): void {
    this.routes.get(path, async (c) => {
      this.#authenticate(c);
      return handler(c, await this.authorize(c, "read", toCanonicalPath(c.req, path)));
    });
  }

  /** Runs `run` in a read-only transaction with a statement timeout. */
  runReadOnly<T>(run: (db: Queryable) => Promise<T>): Promise<T> {
    return runBoundedTransaction(this.settings.db, { accessMode: "read only", statementTimeoutMs }, run);
  }

  /** Runs `run` in a read-write transaction with a statement timeout. */
  runReadWrite<T>(run: (db: Queryable) => Promise<T>): Promise<T> {
    return runBoundedTransaction(this.settings.db, { accessMode: "read write", statementTimeoutMs }, run);
  }

  /** Checks whether an authenticated user may perform an action. */
  authorize(c: Context, action: DashboardAction, target: string): Promise<User> {
    return this.settings.access.authorize(c.req.raw, action, target);
  }

  /**
   * Adds a route that changes something and writes an audit entry in the same transaction. Refusals are recorded, too.
   *
   * @param run makes the change, and returns its outcome in a few words
   * @param body the schema of the body
   */
  addChangeRoute(
    path: string,
    action: WriteAction,
    run: (db: Queryable, change: Change) => Promise<string>,
    body: v.GenericSchema = emptyBody,
  ): void {
    this.addPostRoute(path, action, async (c, change) => {
      parseValue(body, change.body, "body");
      const done = await this.runReadWrite(async (db) => {
        const outcome = await run(db, change);
        await recordAudit(db, { ...change, detail: change.body, outcome });
        return outcome;
      });
      return c.json({ done });
    });
  }

  /**
   * Adds a POST route whose handler builds the response, for users who may perform the action. Cheap checks come first: the
   * body is read only after the user is authorized.
   */
  addPostRoute(path: string, action: WriteAction, handler: (c: Context, change: Change) => Promise<Response>): void {
    const admit: MiddlewareHandler<Env> = async (c, next) => {
      checkWrite(c.req.raw);
      this.#authenticate(c);
      const target = parseTarget(c.req, path);
      c.set("target", target);
      c.set("user", await this.#authorizeChange(c, action, target));
      await next();
    };
    this.routes.post(path, admit, readBody, async (c) => {
      const attempt = { action, target: c.get("target"), actor: getActorName(c.get("user")) };
      const body = await parseBody(c.req).catch((error: unknown) =>
        this.#recordRefusal({ ...attempt, body: undefined }, error),
      );
      const change = { ...attempt, body, request: c.req.raw };
      return handler(c, change).catch((error: unknown) => this.#recordRefusal(change, error));
    });
  }

  #authenticate(c: Context): void {
    this.settings.access.authenticate(c.req.raw, getClientAddress(c));
  }

  /** Records the refusal only for users who may read: others must not be able to fill the audit log. */
  async #authorizeChange(c: Context, action: WriteAction, target: string): Promise<User> {
    try {
      return await this.authorize(c, action, target);
    } catch (error) {
      const user = await this.authorize(c, "read", "").catch(() => undefined);
      if (!user) throw error;
      return await this.#recordRefusal({ action, target, body: undefined, actor: getActorName(user) }, error);
    }
  }

  async #recordRefusal(change: Omit<Change, "request">, error: unknown): Promise<never> {
    const { status, error: message } = toProblem(error);
    const outcome = `${status < 500 ? "refused" : "failed"}: ${message}`;
    const detail = this.settings.redact.createRedaction().hide(change.body, "body");
    await this.#refusals.record({ ...change, detail, outcome }).catch(() => {});
    throw error;
  }
}

interface Env {
  Variables: { readonly user: User; readonly target: string };
}

/** Returns the client's address, which only Node's server provides; empty elsewhere. */
export function getClientAddress({ env }: Context): string {
  const { incoming } = (env ?? {}) as { incoming?: { socket?: { remoteAddress?: string } } };
  return incoming?.socket?.remoteAddress ?? "";
}

const limitBody = bodyLimit({ maxSize: maxBodyBytes, onError: throwTooLong });

/** Reads the body. A client that disconnects before it has sent the whole body gets a 400: the server has not failed. */
const readBody: MiddlewareHandler = async (c, next) => {
  const errorResponse = await limitBody(c, async () => {}).catch(throwIncomplete);
  if (errorResponse) return errorResponse;
  await next();
  return undefined;
};

function throwIncomplete(error: unknown): never {
  throw error instanceof Refusal ? error : new Refusal(400, "the body is incomplete: send it again");
}

function throwTooLong(): never {
  throw new Refusal(413, `the body has more than ${maxBodyBytes} bytes: send a smaller one`);
}

async function parseBody(request: HonoRequest): Promise<Change["body"]> {
  const text = await request.text().catch(throwIncomplete);
  if (text === "") return undefined;
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new InvalidValueError("body", "is not valid JSON: send a JSON object");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw new InvalidValueError("body", "is not a JSON object: send one, or no body");
  return body as Record<string, unknown>;
}
