import type { StandardSchemaV1 } from "@standard-schema/spec";
import { InvalidValueError } from "../../core/errors.js";
import { validate } from "../definition/validate.js";

/** What of a definition concerns its results. */
export interface ResultDefinition<ResultOut> {
  readonly name: string;
  readonly result?: StandardSchemaV1<unknown, ResultOut>;
}

/**
 * What a definition's validator makes of a stored result.
 *
 * @param stored null also where a handler returned null, or nothing
 * @throws InvalidValueError if the validator does not take it: it may have changed since
 */
export async function resultOf<ResultOut>(job: ResultDefinition<ResultOut>, stored: unknown): Promise<ResultOut> {
  // Typed void: nothing is stored.
  if (!job.result) return undefined as ResultOut;
  try {
    return await validate(job.result, stored, "result");
  } catch (error) {
    throw error instanceof InvalidValueError ? error.of(`job ${job.name}`) : error;
  }
}
