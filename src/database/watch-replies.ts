import { setTimeout as sleep } from "node:timers/promises";
import type { Sql } from "postgres";
import { findErrorCode } from "../core/errors.js";

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
 * Errors after which a connection is of no use, although nobody closes it: the server was writable and is a standby now, what is
 * in between has lost it, or no reply came.
 */
const unusable = /^(25006|57P0[123]|08...|NO_REPLY|CONNECT_TIMEOUT|CONNECTION_CLOSED)$/;
/** Of these, what holds for the server and not for one connection to it. */
const serverIsGone = /^(25006|NO_REPLY)$/;
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
 * its connection breaks among them: the next result on that connection then begins with holes. And a connection that broke under
 * a statement takes others until its socket is closed, and never answers them; when it is opened again, it still waits for the
 * end of the one that broke: where PostgreSQL refuses it then, for want of room or because it is starting up, the driver tries
 * again without a pause, and without a word to the statement that waits for it. So a client is replaced as a whole.
 *
 * @param heldMs how long statements are held back before they are sent, from now on
 * @param onBroken called when a reply does not come, or says that its connection is of no use; `serverIsGone`: other connections
 *   to that server are of no use, either
 */
export function watchReplies(
  client: Sql,
  patienceMs: number,
  heldMs: number,
  onBroken: (serverIsGone: boolean) => void,
): WatchedReplies {
  const send = client.unsafe.bind(client) as (...args: unknown[]) => unknown;
  /** What gives a statement up that has not been answered within so many milliseconds. */
  const unanswered = new Set<(withinMs: number) => void>();
  let held = heldMs > 0 ? sleep(heldMs) : undefined;
  void held?.then(() => (held = undefined));

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
      if (held) void held.then(() => handler(itself));
      else handler(itself);
    };
    query.resolve = (rows) => {
      answered();
      resolve(Array.isArray(rows) ? withoutHoles(rows) : rows);
    };
    query.reject = (error) => {
      answered();
      const code = findErrorCode(error) ?? "";
      // Before anyone hears of it, who may ask again at once.
      if (unusable.test(code) || isSocketError(error)) onBroken(serverIsGone.test(code));
      reject(error);
    };
    return query;
  };
  Object.assign(client, { unsafe: watched });
  return { retire: () => unanswered.forEach((hurry) => hurry(retiredPatienceMs)) };
}

/** Whether a connection failed that had been opened: one that cannot be opened is the driver's own to open again. */
function isSocketError(error: unknown): boolean {
  const { syscall } = error as NodeJS.ErrnoException;
  return syscall === "read" || syscall === "write";
}

/** In place, since a result also carries its count and columns. */
function withoutHoles(rows: unknown[]): unknown[] {
  const first = rows.findIndex((_, at) => at in rows);
  if (first > 0) rows.splice(0, first);
  return rows;
}
