import { type Context, Hono, type HonoRequest } from "hono";
import { bodyLimit } from "hono/body-limit";
import { recordAudit } from "../audit/record-audit.js";
import { InvalidValueError } from "../core/errors.js";
import type { Queryable } from "../core/queryable.js";
import { boundedTransaction } from "../database/bounded-transaction.js";
import { actorOf, type ChangingAction, type DashboardAction, type User } from "./access.js";
import type { DashboardSettings } from "./options.js";
import { problemOf } from "./problem.js";
import { Refusal } from "./refusal.js";
import { checkOrigin, checkWrite } from "./same-origin.js";

const statementTimeoutMs = 5_000;
const longestBody = 64 * 1024;

/** A change that somebody asks for. */
export interface Change {
  readonly action: ChangingAction;
  readonly target: string;
  /** What was sent along, if anything was. */
  readonly body: Readonly<Record<string, unknown>> | undefined;
  readonly actor: string;
  readonly request: Request;
}

/** The routes of the API: what each must pass before it is answered, and the transaction in which it is. */
export class Api {
  readonly routes = new Hono();

  constructor(readonly settings: DashboardSettings) {
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
    this.routes.get(path, async (c) => answer(c, await this.admit(c, "read", pathOf(c, path))));
  }

  /** Reads, for so long and no longer. */
  reading<T>(run: (db: Queryable) => Promise<T>): Promise<T> {
    return boundedTransaction(this.settings.db, { accessMode: "read only", statementTimeoutMs }, run);
  }

  /** Writes, for so long and no longer. */
  writing<T>(run: (db: Queryable) => Promise<T>): Promise<T> {
    return boundedTransaction(this.settings.db, { accessMode: "read write", statementTimeoutMs }, run);
  }

  /** Asks who it is, and whether they may. */
  admit(c: Context, action: DashboardAction, target: string): Promise<User> {
    return this.settings.access.admit(c.req.raw, addressOf(c), action, target);
  }

  /**
   * A route that changes something, and writes that down in the same transaction. What is refused is written down, too.
   *
   * @param run does it, and says in a word what became of it
   */
  change(path: string, action: ChangingAction, run: (db: Queryable, change: Change) => Promise<string>): void {
    this.asked(path, action, async (c, change) => {
      const done = await this.writing(async (db) => {
        const outcome = await run(db, change);
        await recordAudit(db, { ...change, detail: change.body, outcome });
        return outcome;
      });
      return c.json({ done });
    });
  }

  /** A route that changes something, to be answered to those who may. */
  asked(path: string, action: ChangingAction, answer: (c: Context, change: Change) => Promise<Response>): void {
    this.routes.post(path, bodyLimit({ maxSize: longestBody, onError: tooLong }), async (c) => {
      checkWrite(c.req.raw);
      const target = c.req.param("target") ?? "";
      const user = await this.#admitted(c, action, target);
      const change = { action, target, body: await bodyOf(c.req), actor: actorOf(user), request: c.req.raw };
      return answer(c, change).catch((error: unknown) => this.#refused(change, error));
    });
  }

  /** Of those who may look, it is known who was refused; whoever may not even do that must not fill the log. */
  async #admitted(c: Context, action: ChangingAction, target: string): Promise<User> {
    try {
      return await this.admit(c, action, target);
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 403) throw error;
      const user = await this.admit(c, "read", "").catch(() => undefined);
      if (!user) throw error;
      return await this.#refused({ action, target, body: {}, actor: actorOf(user) }, error);
    }
  }

  async #refused(change: Omit<Change, "request">, error: unknown): Promise<never> {
    const { status, error: sentence } = problemOf(error);
    const outcome = `${status < 500 ? "refused" : "failed"}: ${sentence}`;
    await this.writing((db) => recordAudit(db, { ...change, detail: change.body, outcome })).catch(() => {});
    throw error;
  }
}

/** Node's server tells it; others know it behind a proxy only, or not at all. */
function addressOf({ env }: Context): string {
  const { incoming } = (env ?? {}) as { incoming?: { socket?: { remoteAddress?: string } } };
  return incoming?.socket?.remoteAddress ?? "";
}

/** The path as it was asked for, with what stands in the place of names. */
function pathOf({ req }: Context, path: string): string {
  return path.slice(1).replace(/:(\w+)(\{[^}]*\})?/g, (_, name: string) => req.param(name) ?? "");
}

function tooLong(): never {
  throw new Refusal(413, `the body is longer than ${longestBody} bytes: send less`);
}

async function bodyOf(request: HonoRequest): Promise<Change["body"]> {
  const text = await request.text();
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
