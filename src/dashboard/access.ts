import { ConfigError } from "../core/errors.js";
import { Refusal } from "./refusal.js";
import { createTokenCheck } from "./token.js";
import { createGuessLimiter, type GuessLimiter } from "./wrong-tokens.js";

/** An action that a request asks for, as `authorize` receives it. */
export type DashboardAction =
  /** Read anything. The target is the API path, such as `jobs/17`. */
  | "read"
  /** Read the redacted fields of a job. */
  | "job.reveal"
  | WriteAction;

/** An action that changes something. */
export type WriteAction =
  | "queue.pause"
  | "queue.resume"
  | "job.retry"
  | "job.cancel"
  | "job.run-now"
  | "job.discard"
  | "schedule.pause"
  | "schedule.resume"
  | "schedule.trigger"
  | "endpoint.pause"
  | "endpoint.resume"
  | "delivery.resend"
  | "dead-letters.retry"
  | "dead-letters.purge";

/**
 * Decides whether the user who sent a request may perform an action.
 *
 * @param target the queue, job, schedule, endpoint or delivery: exactly the text that the action uses and the audit log records,
 *   with ids in canonical form; empty for actions on many dead letters
 * @returns the user's name for the audit log if the user is named, else whether the action is allowed
 */
export type Authorize = (
  request: Request,
  action: DashboardAction,
  target: string,
) => string | boolean | Promise<string | boolean>;

/** The user who sent a request. The name is null if only a token identifies the user. */
export interface User {
  readonly name: string | null;
}

/** Returns the name of a user for the audit log. */
export function getActorName({ name }: User): string {
  return name ?? "unnamed";
}

/** Checks the rights of requests. */
export interface Access {
  /** Whether changes are enabled at all. */
  readonly write: boolean;
  /** Whether redacted fields can be revealed at all. */
  readonly reveal: boolean;
  /**
   * Checks the token, if the dashboard has one.
   *
   * @param address the client's address, empty if unknown
   * @throws Refusal if it is missing or wrong
   */
  authenticate(request: Request, address: string): void;
  /**
   * Checks whether an authenticated user may perform an action.
   *
   * @throws Refusal if the user may not
   */
  authorize(request: Request, action: DashboardAction, target: string): Promise<User>;
}

interface AccessOptions {
  readonly token?: string | undefined;
  readonly authorize?: Authorize | undefined;
  readonly write?: boolean | undefined;
  readonly reveal?: boolean | undefined;
}

/** @throws ConfigError if there is neither a token nor `authorize` */
export function createAccess({ token, authorize, write = false, reveal = false }: AccessOptions): Access {
  if (token === undefined && authorize === undefined)
    throw new ConfigError(
      "the dashboard would be open to everybody: set `token`, or a function `authorize` that decides who may see it",
    );
  return {
    write,
    reveal,
    authenticate: token === undefined ? () => {} : createAuthentication(token),
    async authorize(request, action, target) {
      if (action === "job.reveal" && !reveal)
        throw new Refusal(403, "this dashboard does not reveal redacted fields: set its option `reveal`");
      if (isWriteAction(action) && !write)
        throw new Refusal(403, "this dashboard is read-only: set its option `write` to allow changes");
      const decision = authorize ? await authorize(request, action, target) : true;
      // In JavaScript, `authorize` may forget to return anything: only `true` or a name allows the action.
      if (decision !== true && (typeof decision !== "string" || decision === ""))
        throw new Refusal(403, `you may not do this: ${action} ${target}`.trimEnd());
      return { name: typeof decision === "string" ? decision : null };
    },
  };
}

/** @throws ConfigError for a token that is too easy to guess */
function createAuthentication(token: string): Access["authenticate"] {
  const hasToken = createTokenCheck(token);
  const limiter = createGuessLimiter();
  return (request, address) => {
    // A correct token is always accepted, even from a throttled address: behind a proxy, everyone shares it.
    if (hasToken(request)) return;
    // A request without a token is not a guess.
    if (request.headers.has("authorization")) throttleGuess(limiter, address);
    throw new Refusal(
      401,
      "the token is missing or wrong: open the link that the dashboard printed, or give its token",
      { "www-authenticate": "Bearer" },
    );
  };
}

/** @throws Refusal if the address has reached the limit */
function throttleGuess(limiter: GuessLimiter, address: string): void {
  const seconds = limiter.getWaitSeconds(address);
  if (seconds > 0)
    throw new Refusal(429, `too many wrong tokens came from this address: try again in ${seconds} s`, {
      "retry-after": String(seconds),
    });
  limiter.recordGuess(address);
}

function isWriteAction(action: DashboardAction): action is WriteAction {
  return action !== "read" && action !== "job.reveal";
}
