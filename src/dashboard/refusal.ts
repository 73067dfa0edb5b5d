import { SoniqError } from "../core/errors.js";

/** The reason why a request is refused. Its message says what to do. */
export class Refusal extends SoniqError {
  override readonly name = "Refusal";

  constructor(
    readonly status: 400 | 401 | 403 | 404 | 409 | 413 | 415 | 421 | 429 | 503,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}
