import { SoniqError } from "../../core/errors.js";
import type { ClaimedJob } from "../../jobs/claim/claim.js";
import { asDirective, type Directive, directiveKind, wasReceived } from "../../jobs/definition/directives.js";

/**
 * The directives that one attempt's handler and middleware got from `job.snooze` and the like. They take effect when they are
 * returned or thrown, but read as calls: one that is left lying would complete the job, and its work would be lost.
 */
export class MadeDirectives {
  #made: Directive[] | undefined;

  add<D extends Directive>(directive: D): D {
    (this.#made ??= []).push(directive);
    return directive;
  }

  get count(): number {
    return this.#made?.length ?? 0;
  }

  /** Forgets all but the first `count`: what made the others runs again. */
  keepFirst(count: number): void {
    this.#made?.splice(count);
  }

  /**
   * @param returned what the handler returned, or the body of its transaction
   * @returns the failure of an attempt that made a directive and returned none
   */
  unreturned(returned: unknown): SoniqError | undefined {
    if (!this.#made) return undefined;
    const forgotten = this.#made.find((directive) => !wasReceived(directive));
    if (!forgotten || asDirective(returned)) return undefined;
    const call = `job.${directiveKind(forgotten)}`;
    return new SoniqError(`${call}() was called and not returned: write \`return ${call}(...)\``);
  }
}

/** The error of a directive that a handler returns after its transaction has completed the job. */
export function lateDirective({ name }: ClaimedJob, ending: object): SoniqError | undefined {
  const directive = "returned" in ending ? asDirective(ending.returned) : undefined;
  if (!directive) return undefined;
  return new SoniqError(
    `job ${name}: job.${directiveKind(directive)}() came after job.transaction had completed the job: return it from within the transaction`,
  );
}
