import { recognizeAcrossCopies } from "../../core/recognize-across-copies.js";
import { type Duration, parseDurationMs } from "../../core/duration.js";

/**
 * A string, not a symbol: the configuration may have loaded a second copy of this module, and the compiler treats that copy's
 * symbol as a different one.
 */
const kindOfDirective = "soniq-drizzle.directive";
/** Set once a middleware has received the directive from `next()`. The middleware may then return something else. */
const received = "soniq-drizzle.directive.received";

/** A handler returns a directive, or throws it at any depth, to end its attempt other than as completed or failed. */
export abstract class Directive extends Error {
  abstract readonly [kindOfDirective]: "snooze" | "cancel" | "discard" | "retry" | "park";
}

/** Runs the job again later, without costing an attempt. */
export class Snooze extends Directive {
  override readonly name = "Snooze";
  static {
    recognizeAcrossCopies(this, "Snooze");
  }
  readonly [kindOfDirective] = "snooze";
  readonly delayMs: number;

  constructor(delay: Duration) {
    super("snoozed");
    this.delayMs = parseDurationMs(delay, "snooze");
  }
}

/** Stops the job on purpose: it is cancelled. */
export class Cancel extends Directive {
  override readonly name = "Cancel";
  static {
    recognizeAcrossCopies(this, "Cancel");
  }
  readonly [kindOfDirective] = "cancel";
}

/** Gives up at once, even if attempts are left: the job becomes a dead letter. */
export class Discard extends Directive {
  override readonly name = "Discard";
  static {
    recognizeAcrossCopies(this, "Discard");
  }
  readonly [kindOfDirective] = "discard";
}

/** Fails the attempt like any other error, but sets the delay before the retry, for example from a `Retry-After` header. */
export class RetryAfter extends Directive {
  override readonly name = "RetryAfter";
  static {
    recognizeAcrossCopies(this, "RetryAfter");
  }
  readonly [kindOfDirective] = "retry";
  readonly delayMs: number;

  constructor(delay: Duration, message = "asked to try again later", options?: ErrorOptions) {
    super(message, options);
    this.delayMs = parseDurationMs(delay, "RetryAfter");
  }
}

/**
 * Sets the job aside until it is unparked, without costing an attempt. Not offered to handlers, because they could not unpark the
 * job.
 */
export class Park extends Directive {
  override readonly name = "Park";
  readonly [kindOfDirective] = "park";

  constructor() {
    super("parked");
  }
}

export type AnyDirective = Snooze | Cancel | Discard | RetryAfter | Park;

/** Returns the value if it is a directive, made by any copy of this package. */
export function asDirective(value: unknown): AnyDirective | undefined {
  try {
    return value instanceof Error && kindOfDirective in value ? (value as Directive as never) : undefined;
  } catch {
    // A proxy may throw on any access.
    return undefined;
  }
}

export function directiveKind<D extends Directive>(directive: D): D[typeof kindOfDirective] {
  return directive[kindOfDirective];
}

/** Records that a middleware received this value from its `next()`. Never throws. */
export function flagReceived(value: unknown): void {
  const directive = asDirective(value);
  // A frozen directive cannot be flagged.
  if (directive && Object.isExtensible(directive)) Object.defineProperty(directive, received, { value: true });
}

export function wasReceived(directive: Directive): boolean {
  return received in directive;
}
