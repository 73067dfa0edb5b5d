import { ConfigError } from "../core/errors.js";
import { Refusal } from "./refusal.js";
import { tokenCheck } from "./token.js";
import { wrongTokens } from "./wrong-tokens.js";

/** What somebody is about to do. */
export type DashboardAction =
  /** Look at whatever is there; the target is the path of the API, such as `jobs/17`. */
  | "read"
  /** Look at the fields of a job that are redacted. */
  | "job.reveal"
  | ChangingAction;

/** What changes something. */
export type ChangingAction =
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
 * Says whether somebody may do something.
 *
 * @param target which queue, job, schedule, endpoint or delivery: the very text that is acted upon and written down, of ids
 *   the one that there is of each; empty where many dead letters, or any, are meant
 * @returns the user's name, for the audit log; or whether they may
 */
export type Authorize = (
  request: Request,
  action: DashboardAction,
  target: string,
) => string | boolean | Promise<string | boolean>;

/** Who asks; their name is not known where a token is all that says who may. */
export interface User {
  readonly name: string | null;
}

/** What the audit log calls them. */
export function actorOf({ name }: User): string {
  return name ?? "unnamed";
}

/** Who may do what. */
export interface Access {
  /** Whether anybody may change anything. */
  readonly write: boolean;
  /** Whether anybody may look at redacted fields. */
  readonly reveal: boolean;
  /**
   * Checks the token, if there is one.
   *
   * @param address where the request comes from, if that is known
   * @throws Refusal if it is missing or wrong
   */
  authenticate(request: Request, address: string): void;
  /**
   * Asks whether somebody who has passed that may do this.
   *
   * @throws Refusal if they may not
   */
  authorize(request: Request, action: DashboardAction, target: string): Promise<User>;
}

interface AccessOptions {
  readonly token?: string | undefined;
  readonly authorize?: Authorize | undefined;
  readonly write?: boolean | undefined;
  readonly reveal?: boolean | undefined;
}

/** @throws ConfigError where everybody would be let in */
export function accessOf({ token, authorize, write = false, reveal = false }: AccessOptions): Access {
  if (token === undefined && authorize === undefined)
    throw new ConfigError(
      "the dashboard would be open to everybody: give it a `token`, or a function `authorize` that says who may see it",
    );
  const isRight = token === undefined ? () => true : tokenCheck(token);
  const wrong = wrongTokens();

  function checkToken(request: Request, address: string): void {
    // However many guesses came from there: who guesses may share a proxy's address with all others.
    if (isRight(request)) return;
    // Who has none yet guesses nothing.
    if (request.headers.has("authorization")) noteGuess(address);
    throw new Refusal(
      401,
      "the token is missing or wrong: open the link that the dashboard printed, or give its token",
      {
        "www-authenticate": "Bearer",
      },
    );
  }

  function noteGuess(address: string): void {
    const seconds = wrong.closedFor(address);
    if (seconds > 0)
      throw new Refusal(429, `too many wrong tokens came from there: try again in ${seconds} s`, {
        "retry-after": String(seconds),
      });
    wrong.note(address);
  }

  return {
    write,
    reveal,
    authenticate: checkToken,
    async authorize(request, action, target) {
      if (action === "job.reveal" && !reveal)
        throw new Refusal(403, "this dashboard reveals nothing: its option `reveal` is not set");
      if (isChanging(action) && !write)
        throw new Refusal(403, "this dashboard only shows: its option `write` is not set");
      const allowed = authorize ? await authorize(request, action, target) : true;
      // Whoever has no compiler may forget to return anything.
      if (allowed !== true && (typeof allowed !== "string" || allowed === ""))
        throw new Refusal(403, `you may not do this: ${action} ${target}`.trimEnd());
      return { name: typeof allowed === "string" ? allowed : null };
    },
  };
}

function isChanging(action: DashboardAction): action is ChangingAction {
  return action !== "read" && action !== "job.reveal";
}
