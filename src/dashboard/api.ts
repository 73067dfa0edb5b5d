import { type Context, Hono, type HonoRequest, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import * as v from "valibot";
import { recordAudit } from "../audit/record-audit.js";
import { InvalidValueError } from "../core/errors.js";
import type { Queryable } from "../core/queryable.js";
import { boundedTransaction } from "../database/bounded-transaction.js";
import { actorOf, type ChangingAction, type DashboardAction, type User } from "./access.js";
import type { DashboardSettings } from "./options.js";
import { problemOf } from "./problem.js";
import { checked } from "./query.js";
import { Refusal } from "./refusal.js";
import { RefusalLog } from "./refusal-log.js";
import { checkOrigin, checkWrite } from "./same-origin.js";
import { canonicalPath, targetOf } from "./target.js";

const statementTimeoutMs = 5_000;
const maxBodyBytes = 64 * 1024;

/** A change that somebody asks for. */
export interface Change {
  readonly action: ChangingAction;
  readonly target: string;
  /** What was sent along, if anything was. */
  readonly body: Readonly<Record<string, unknown>> | undefined;
  readonly actor: string;
  readonly request: Request;
}

/** What may be sent along with a change: by default nothing. */
const nothing = v.optional(v.strictObject({}));

/** The routes of the API: what each must pass before it is answered, and the transaction in which it is. */
export class Api {
  readonly routes = new Hono<Env>();
  readonly #refusals: RefusalLog;

  constructor(readonly settings: DashboardSettings) {
    this.#refusals = new RefusalLog((record) => this.writing(record));
    this.routes.use(async (c, next) => {
      checkOrigin(c.req.raw);
      await next();
    });
  }

  /** A route that reads, in a transaction that can do nothing else. */
  read(path: string, answer: (db: Queryable, request: HonoRequest) => Promise<object>): void {
    this.look(path, async (c) => c.json(await this.reading((db) => answer(db, c.req))));
  }

  /** A route that is answered otherwise, to those who may look. */
  look(path: string, answer: (c: Context, user: User) => Response | Promise<Response>): void {
    this.routes.get(path, async (c) => {
      this.#authenticate(c);
      return answer(c, await this.authorize(c, "read", canonicalPath(c.req, path)));
    });
  }

  /** Reads, for so long and no longer. */
  reading<T>(run: (db: Queryable) => Promise<T>): Promise<T> {
    return boundedTransaction(this.settings.db, { accessMode: "read only", statementTimeoutMs }, run);
  }

  /** Writes, for so long and no longer. */
  writing<T>(run: (db: Queryable) => Promise<T>): Promise<T> {
    return boundedTransaction(this.settings.db, { accessMode: "read write", statementTimeoutMs }, run);
  }

  /** Asks whether somebody who has shown the token may do this. */
  authorize(c: Context, action: DashboardAction, target: string): Promise<User> {
    return this.settings.access.authorize(c.req.raw, action, target);
  }

  /**
   * A route that changes something, and writes that down in the same transaction. What is refused is written down, too.
   *
   * @param run does it, and says in a word what became of it
   * @param body what may be sent along
   */
  change(
    path: string,
    action: ChangingAction,
    run: (db: Queryable, change: Change) => Promise<string>,
    body: v.GenericSchema = nothing,
  ): void {
    this.asked(path, action, async (c, change) => {
      checked(body, change.body, "body");
      const done = await this.writing(async (db) => {
        const outcome = await run(db, change);
        await recordAudit(db, { ...change, detail: change.body, outcome });
        return outcome;
      });
      return c.json({ done });
    });
  }

  /**
   * A route that changes something, to be answered to those who may. What costs little is checked first: the body is read
   * when it is known who sends it, and that they may.
   */
  asked(path: string, action: ChangingAction, answer: (c: Context, change: Change) => Promise<Response>): void {
    const admit: MiddlewareHandler<Env> = async (c, next) => {
      checkWrite(c.req.raw);
      this.#authenticate(c);
      const target = targetOf(c.req, path);
      c.set("target", target);
      c.set("user", await this.#authorized(c, action, target));
      await next();
    };
    this.routes.post(path, admit, readBody, async (c) => {
      const who = { action, target: c.get("target"), actor: actorOf(c.get("user")) };
      const body = await bodyOf(c.req).catch((error: unknown) => this.#refused({ ...who, body: undefined }, error));
      const change = { ...who, body, request: c.req.raw };
      return answer(c, change).catch((error: unknown) => this.#refused(change, error));
    });
  }

  #authenticate(c: Context): void {
    this.settings.access.authenticate(c.req.raw, addressOf(c));
  }

  /** Of those who may look, it is known who was refused; whoever may not even do that must not fill the log. */
  async #authorized(c: Context, action: ChangingAction, target: string): Promise<User> {
    try {
      return await this.authorize(c, action, target);
    } catch (error) {
      const user = await this.authorize(c, "read", "").catch(() => undefined);
      if (!user) throw error;
      return await this.#refused({ action, target, body: undefined, actor: actorOf(user) }, error);
    }
  }

  async #refused(change: Omit<Change, "request">, error: unknown): Promise<never> {
    const { status, error: sentence } = problemOf(error);
    const outcome = `${status < 500 ? "refused" : "failed"}: ${sentence}`;
    const detail = this.settings.redact.begin().hide(change.body, "body");
    await this.#refusals.note({ ...change, detail, outcome }).catch(() => {});
    throw error;
  }
}

interface Env {
  Variables: { readonly user: User; readonly target: string };
}

/** Node's server tells it; others know it behind a proxy only, or not at all. */
export function addressOf({ env }: Context): string {
  const { incoming } = (env ?? {}) as { incoming?: { socket?: { remoteAddress?: string } } };
  return incoming?.socket?.remoteAddress ?? "";
}

const limitBody = bodyLimit({ maxSize: maxBodyBytes, onError: tooLong });

/** Whoever hangs up before all of it was sent is no failure of the server's. */
const readBody: MiddlewareHandler = async (c, next) => {
  const answer = await limitBody(c, async () => {}).catch(notWhole);
  if (answer) return answer;
  await next();
  return undefined;
};

function notWhole(error: unknown): never {
  throw error instanceof Refusal ? error : new Refusal(400, "the body did not arrive as a whole: send it again");
}

function tooLong(): never {
  throw new Refusal(413, `the body is longer than ${maxBodyBytes} bytes: send less`);
}

async function bodyOf(request: HonoRequest): Promise<Change["body"]> {
  const text = await request.text().catch(notWhole);
  if (text === "") return undefined;
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new InvalidValueError("body", "is no JSON: send an object");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw new InvalidValueError("body", "is no JSON object: send one, or nothing");
  return body as Record<string, unknown>;
}
