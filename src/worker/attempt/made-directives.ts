import { SoniqError } from "../../core/errors.js";
import type { ClaimedJob } from "../../jobs/claim/claim.js";
import { asDirective, type Directive, directiveKind, wasReceived } from "../../jobs/definition/directives.js";

/**
 * Tracks the directives that an attempt's handler and middleware create with `job.snooze` and the like. A directive takes effect
 * only when it is returned or thrown, but it reads like a call. A forgotten one would complete the job, and its work would be lost.
 */
export class DirectiveTracker {
  #directives: Directive[] | undefined;

  add<D extends Directive>(directive: D): D {
    (this.#directives ??= []).push(directive);
    return directive;
  }

  get count(): number {
    return this.#directives?.length ?? 0;
  }

  /** Forgets all but the first `count` directives. A conflict runs the code again that created the rest. */
  keepFirst(count: number): void {
    this.#directives?.splice(count);
  }

  /**
   * Finds a directive that was created, but neither returned nor thrown.
   *
   * @param returned the return value of the handler, or of its transaction's body
   * @returns the error with which the attempt fails; undefined if no directive was forgotten
   */
  findUnreturned(returned: unknown): SoniqError | undefined {
    if (!this.#directives) return undefined;
    const forgotten = this.#directives.find((directive) => !wasReceived(directive));
    if (!forgotten || asDirective(returned)) return undefined;
    const call = `job.${directiveKind(forgotten)}`;
    return new SoniqError(`${call}() was called and not returned: write \`return ${call}(...)\``);
  }
}

/** Returns the error of a directive that a handler returned after its transaction had completed the job. */
export function findLateDirective({ name }: ClaimedJob, ending: object): SoniqError | undefined {
  const directive = "returned" in ending ? asDirective(ending.returned) : undefined;
  if (!directive) return undefined;
  return new SoniqError(
    `job ${name}: job.${directiveKind(directive)}() came after job.transaction had completed the job: return it from within the transaction`,
  );
}
