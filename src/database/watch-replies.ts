import { setTimeout as sleep } from "node:timers/promises";
import type { Sql } from "postgres";
import { findErrorCode } from "../core/errors.js";

/** PostgreSQL did not answer in time. It is unknown whether the statement took effect. */
class NoReplyError extends Error {
  override readonly name = "NoReplyError";
  readonly code = "NO_REPLY";

  constructor(timeoutMs: number) {
    super(`PostgreSQL did not answer within ${Math.round(timeoutMs / 100) / 10} s`);
  }
}

/**
 * The parts of a postgres.js query that its types omit. The driver calls `handler` to send the query, and the others to settle
 * it.
 */
interface Query {
  handler(query: Query): void;
  resolve(rows: unknown): void;
  reject(error: unknown): void;
}

/**
 * The codes of errors after which a connection is unusable, although nobody closes it: the server was writable and is a standby now, a
 * proxy or pooler has lost the server, or no reply came.
 */
const unusableCode = /^(25006|57P0[123]|08...|NO_REPLY|CONNECT_TIMEOUT|CONNECTION_CLOSED)$/;
/** Those of them that concern the server, and not only one connection to it. */
const serverGoneCode = /^(25006|NO_REPLY)$/;
/** If the process was busy until the timeout, replies may have arrived in the meantime. This time is left to read them. */
const readGraceMs = 1_000;
/** When a statement without a reply fails after its client has been replaced. */
const retiredTimeoutMs = 5_000;

/** A client whose replies are watched. */
export interface WatchedReplies {
  /** Call it when the client is replaced. A statement in flight then fails if it gets no reply within 5 s after it was sent. */
  retire(): void;
}

/**
 * Makes sure that every statement of a client gets a complete reply, or an error in time.
 *
 * postgres.js 3.4.9 needs this for three reasons:
 * It has no timeout for replies.
 * It does not reset its row counter if a statement fails, or its connection breaks, after the first rows: the next result on this
 * connection then begins with holes.
 * If a connection breaks during a statement, the driver sends more statements over it until its socket is closed, and they never get a
 * reply. When the connection is reopened, the driver still waits for the end of the broken one. If PostgreSQL refuses the new
 * connection, because it has no free connections or is starting up, the driver reconnects without a pause, and the waiting statement is
 * never rejected. So a client is replaced as a whole.
 *
 * @param replyTimeoutMs when a statement without a reply fails
 * @param holdMs how long, from now on, statements are held back before they are sent
 * @param onBroken called if no reply comes, or an error shows that the connection is unusable; `isServerGone`: all other connections to
 *   that server are unusable, too
 */
export function watchReplies(
  client: Sql,
  replyTimeoutMs: number,
  holdMs: number,
  onBroken: (isServerGone: boolean) => void,
): WatchedReplies {
  const send = client.unsafe.bind(client) as (...args: unknown[]) => unknown;
  const timers = new Set<ReplyTimer>();
  let hold = holdMs > 0 ? sleep(holdMs) : undefined;
  void hold?.then(() => (hold = undefined));

  const sendWatched = (...args: unknown[]) => {
    const query = send(...args) as Query;
    const { handler, resolve, reject } = query;
    const timer = new ReplyTimer(replyTimeoutMs, (error) => query.reject(error));
    timers.add(timer);
    const stopTimer = () => {
      timer.stop();
      timers.delete(timer);
    };
    query.handler = (itself) => {
      if (hold) void hold.then(() => handler(itself));
      else handler(itself);
    };
    query.resolve = (rows) => {
      stopTimer();
      resolve(Array.isArray(rows) ? removeLeadingHoles(rows) : rows);
    };
    query.reject = (error) => {
      stopTimer();
      const code = findErrorCode(error) ?? "";
      // Replace the client before the caller sees the error, because the caller may send the next statement immediately.
      if (unusableCode.test(code) || isSocketError(error)) onBroken(serverGoneCode.test(code));
      reject(error);
    };
    return query;
  };
  Object.assign(client, { unsafe: sendWatched });
  return { retire: () => timers.forEach((timer) => timer.shorten(retiredTimeoutMs)) };
}

/** Rejects a statement that gets no reply in time. */
class ReplyTimer {
  readonly #sentAt = performance.now();
  #timer: NodeJS.Timeout;

  constructor(
    timeoutMs: number,
    private readonly reject: (error: NoReplyError) => void,
  ) {
    this.#timer = setTimeout(() => this.#expire(timeoutMs), timeoutMs - readGraceMs);
  }

  /** @param timeoutMs the new timeout, counted from when the statement was sent */
  shorten(timeoutMs: number): void {
    this.stop();
    this.#expire(timeoutMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #expire(timeoutMs: number): void {
    const leftMs = this.#sentAt + timeoutMs - performance.now();
    this.#timer = setTimeout(() => this.reject(new NoReplyError(timeoutMs)), Math.max(readGraceMs, leftMs));
  }
}

/** Whether an open connection failed. A connection that cannot be opened is the driver's task to retry. */
function isSocketError(error: unknown): boolean {
  const { syscall } = error as NodeJS.ErrnoException;
  return syscall === "read" || syscall === "write";
}

/** Removes the holes in place, because a result also carries its count and columns. */
function removeLeadingHoles(rows: unknown[]): unknown[] {
  const first = rows.findIndex((_, at) => at in rows);
  if (first > 0) rows.splice(0, first);
  return rows;
}
