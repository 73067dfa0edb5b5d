import { recognizeAcrossCopies } from "../../core/across-copies.js";
import { type Duration, parseDuration } from "../../core/duration.js";

/** A text, no symbol: a configuration may have loaded a second copy of this module, whose symbol is another one to the compiler. */
const kindOfDirective = "soniq-drizzle.directive";
/** Set once a middleware got it from what it stands around: it may then return something else. */
const received = "soniq-drizzle.directive.received";

/** What a handler returns, or throws from anywhere below it, to end its attempt otherwise than completed or failed. */
export abstract class Directive extends Error {
  abstract readonly [kindOfDirective]: "snooze" | "cancel" | "discard" | "retry" | "park";
}

/** Run again later; costs no attempt. */
export class Snooze extends Directive {
  override readonly name = "Snooze";
  static {
    recognizeAcrossCopies(this, "Snooze");
  }
  readonly [kindOfDirective] = "snooze";
  readonly delayMs: number;

  constructor(delay: Duration) {
    super("snoozed");
    this.delayMs = parseDuration(delay, "snooze");
  }
}

/** Stop on purpose: the job is cancelled. */
export class Cancel extends Directive {
  override readonly name = "Cancel";
  static {
    recognizeAcrossCopies(this, "Cancel");
  }
  readonly [kindOfDirective] = "cancel";
}

/** Give up at once, whatever attempts are left: the job becomes a dead letter. */
export class Discard extends Directive {
  override readonly name = "Discard";
  static {
    recognizeAcrossCopies(this, "Discard");
  }
  readonly [kindOfDirective] = "discard";
}

/** A failed attempt, as any other error, but with its own delay: what a `Retry-After` header asks for. */
export class RetryAfter extends Directive {
  override readonly name = "RetryAfter";
  static {
    recognizeAcrossCopies(this, "RetryAfter");
  }
  readonly [kindOfDirective] = "retry";
  readonly delayMs: number;

  constructor(delay: Duration, message = "asked to try again later", options?: ErrorOptions) {
    super(message, options);
    this.delayMs = parseDuration(delay, "RetryAfter");
  }
}

/** Set the job aside until it is freed; costs no attempt. Not offered to handlers: they could not free it. */
export class Park extends Directive {
  override readonly name = "Park";
  readonly [kindOfDirective] = "park";

  constructor() {
    super("parked");
  }
}

export type AnyDirective = Snooze | Cancel | Discard | RetryAfter | Park;

/** Tells a directive from other values, whichever copy of this package made it. */
export function asDirective(value: unknown): AnyDirective | undefined {
  try {
    return value instanceof Error && kindOfDirective in value ? (value as Directive as never) : undefined;
  } catch {
    // A proxy may throw whatever it is asked.
    return undefined;
  }
}

/** Which directive it is. */
export function directiveKind<D extends Directive>(directive: D): D[typeof kindOfDirective] {
  return directive[kindOfDirective];
}

/** Notes that a middleware got this value from its `next()`. Never throws. */
export function markReceived(value: unknown): void {
  const directive = asDirective(value);
  // One that is frozen cannot be marked.
  if (directive && Object.isExtensible(directive)) Object.defineProperty(directive, received, { value: true });
}

export function wasReceived(directive: Directive): boolean {
  return received in directive;
}
