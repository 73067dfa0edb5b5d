import { setTimeout as sleep } from "node:timers/promises";
import type { Sql } from "postgres";
import { errorCode } from "../core/errors.js";

/** PostgreSQL did not answer in time. Whether the statement was carried out is not known. */
class NoReplyError extends Error {
  override readonly name = "NoReplyError";
  readonly code = "NO_REPLY";

  constructor(patienceMs: number) {
    super(`PostgreSQL did not answer within ${Math.round(patienceMs / 100) / 10} s`);
  }
}

/** The parts of a query of postgres.js that its types leave out: it is sent by the first, and settles itself by the others. */
interface Query {
  handler(query: Query): void;
  resolve(rows: unknown): void;
  reject(error: unknown): void;
}

/**
 * What is said on a connection that is of no use, and that nobody closes: the server was writable and is a standby now, or
 * what is in between has lost it; no reply; and a connection that the driver cannot bring about (3.4.9 may keep the rest of a
 * statement that was cut off, and send that before all else).
 */
const broken = /^(25006|57P0[123]|08...|NO_REPLY|CONNECT_TIMEOUT)$/;
/** Of these, what holds for the server and not for one connection to it. */
const serverIsGone = /^(25006|NO_REPLY)$/;
/** A socket has failed. */
const networkError = /^E[A-Z]+$/;
/** Longer than it takes until a socket that has failed is closed: that is before the next timer goes off. */
const closingMs = 50;
/** A process that was busy for longer than its patience has yet to read the replies that came meanwhile. */
const lastReadMs = 1_000;
/** How long a statement may take whose client has been replaced. */
const retiredPatienceMs = 5_000;

/** The statements of a client, watched. */
export interface WatchedReplies {
  /** The client is being replaced: what is still unanswered gets no more than 5 s in all. */
  retire(): void;
}

/**
 * Has every statement of a client answered in time and in full.
 *
 * postgres.js 3.4.9 sets no time on a reply. It does not reset its row counter when a statement fails after it sent rows, or when
 * its connection breaks among them: the next result on that connection then begins with holes. And a connection whose socket has
 * failed takes statements until the socket is closed, a moment later, and never answers these.
 *
 * @param onBroken called when a reply does not come, or says that its connection is of no use; `serverIsGone`: other connections
 *   to that server are of no use, either
 */
export function watchReplies(
  client: Sql,
  patienceMs: number,
  onBroken: (serverIsGone: boolean) => void,
): WatchedReplies {
  const send = client.unsafe.bind(client) as (...args: unknown[]) => unknown;
  /** What gives a statement up that has not been answered within so many milliseconds. */
  const unanswered = new Set<(withinMs: number) => void>();
  let closing: Promise<void> | undefined;

  /** Whoever asks again at once must not be given the same connection. */
  async function onceClosed(then: () => void): Promise<void> {
    const closed = sleep(closingMs);
    closing = closed;
    await closed;
    if (closing === closed) closing = undefined;
    then();
  }

  const watched = (...args: unknown[]) => {
    const query = send(...args) as Query;
    const { handler, resolve, reject } = query;
    const sentAt = performance.now();
    let timer: NodeJS.Timeout;
    const giveUp = (withinMs: number) => {
      const leftMs = sentAt + withinMs - performance.now();
      timer = setTimeout(() => query.reject(new NoReplyError(withinMs)), Math.max(lastReadMs, leftMs));
    };
    timer = setTimeout(() => giveUp(patienceMs), patienceMs - lastReadMs);
    const hurry = (withinMs: number) => {
      clearTimeout(timer);
      giveUp(withinMs);
    };
    unanswered.add(hurry);
    const answered = () => {
      clearTimeout(timer);
      unanswered.delete(hurry);
    };
    query.handler = (itself) => {
      if (closing) void closing.then(() => query.handler(itself));
      else handler(itself);
    };
    query.resolve = (rows) => {
      answered();
      resolve(Array.isArray(rows) ? withoutHoles(rows) : rows);
    };
    query.reject = (error) => {
      answered();
      const code = errorCode(error) ?? "";
      if (networkError.test(code)) void onceClosed(() => reject(error));
      else reject(error);
      if (broken.test(code)) onBroken(serverIsGone.test(code));
    };
    return query;
  };
  Object.assign(client, { unsafe: watched });
  return { retire: () => unanswered.forEach((hurry) => hurry(retiredPatienceMs)) };
}

/** In place, since a result also carries its count and columns. */
function withoutHoles(rows: unknown[]): unknown[] {
  const first = rows.findIndex((_, at) => at in rows);
  if (first > 0) rows.splice(0, first);
  return rows;
}
