import type { StandardSchemaV1 } from "@standard-schema/spec";
import { InvalidValueError } from "../../core/errors.js";
import { validate } from "../definition/validate.js";

/** The part of a job definition that reading a result needs. */
export interface ResultDefinition<ResultOut> {
  readonly name: string;
  readonly result?: StandardSchemaV1<unknown, ResultOut>;
}

/**
 * Validates a stored result, and returns the validator's output.
 *
 * @param stored null if the handler returned null or nothing
 * @throws InvalidValueError if the validator rejects the result, for example because the validator changed after the job ran
 */
export async function parseResult<ResultOut>(job: ResultDefinition<ResultOut>, stored: unknown): Promise<ResultOut> {
  // Without a validator, the result's type is void and nothing is stored.
  if (!job.result) return undefined as ResultOut;
  try {
    return await validate(job.result, stored, "result");
  } catch (error) {
    throw error instanceof InvalidValueError ? error.of(`job ${job.name}`) : error;
  }
}
