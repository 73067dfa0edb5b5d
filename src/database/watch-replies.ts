import type { Sql } from "postgres";
import { errorCode } from "../core/errors.js";

/** PostgreSQL did not answer in time. Whether the statement was carried out is not known. */
class NoReplyError extends Error {
  override readonly name = "NoReplyError";
  readonly code = "NO_REPLY";

  constructor(patienceMs: number) {
    super(`PostgreSQL did not answer within ${patienceMs / 1000} s`);
  }
}

/** The parts of a query of postgres.js that its types leave out: it settles itself by these. */
interface SelfSettling {
  resolve(rows: unknown): void;
  reject(error: unknown): void;
}

/**
 * What is said on a connection that is of no use, and that nobody closes: the server was writable and is a standby now, or
 * what is in between has lost it; no reply; and a connection that the driver cannot bring about (3.4.9 may keep the rest of a
 * statement that was cut off, and send that before all else).
 */
const broken = /^(25006|57P0[123]|08...|NO_REPLY|CONNECT_TIMEOUT)$/;

/**
 * Has every statement of a client answered in time and in full.
 *
 * postgres.js 3.4.9 sets no time on a reply. And it does not reset its row counter when a statement fails after it sent
 * rows, or when its connection breaks among them: the next result on that connection then begins with holes.
 *
 * @param onBroken called when a reply does not come, or says that its connection is of no use
 */
export function watchReplies(client: Sql, patienceMs: number, onBroken: () => void): void {
  const send = client.unsafe.bind(client) as (...args: unknown[]) => unknown;
  const watched = (...args: unknown[]) => {
    const query = send(...args) as SelfSettling;
    const { resolve, reject } = query;
    const timer = setTimeout(() => query.reject(new NoReplyError(patienceMs)), patienceMs);
    query.resolve = (rows) => {
      clearTimeout(timer);
      resolve(Array.isArray(rows) ? withoutHoles(rows) : rows);
    };
    query.reject = (error) => {
      clearTimeout(timer);
      reject(error);
      if (broken.test(errorCode(error) ?? "")) onBroken();
    };
    return query;
  };
  Object.assign(client, { unsafe: watched });
}

/** In place, since a result also carries its count and columns. */
function withoutHoles(rows: unknown[]): unknown[] {
  const first = rows.findIndex((_, at) => at in rows);
  if (first > 0) rows.splice(0, first);
  return rows;
}
