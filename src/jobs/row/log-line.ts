import { describeError } from "../../core/errors.js";
import { sanitizeText } from "../../core/sanitize-text.js";

/** A log line as the handler passed it, before it is checked. */
interface RawLogLine {
  /** A string by its type, but JavaScript callers may pass anything. */
  readonly message: unknown;
  readonly fields: unknown;
  readonly attempt: number;
  /** Microseconds since the claim. The database adds them to the time of the claim. */
  readonly afterUs: number;
}

const maxMessageLength = 2_000;
const maxFieldsLength = 2_000;
/**
 * Escapes that are valid in a JSON key but that `jsonb` rejects: NUL, and half of a surrogate pair. A backslash that is itself
 * escaped starts no escape.
 */
const unstorableEscape = /(?<!\\)(?:\\\\)*\\u(0000|d[89a-f])/i;

/** Converts a line to JSON that PostgreSQL can store, truncated where necessary. The append replaces `afterUs` by the time. */
export function toLogLineJson({ message, fields, attempt, afterUs }: RawLogLine): string {
  const json = fields === undefined ? undefined : toFieldsJson(fields);
  const fits = json !== undefined && json.length <= maxFieldsLength;
  const omission = fields === undefined || fits ? "" : ` (its fields are left out: ${describeOmission(json)})`;
  const line = JSON.stringify({ afterUs, attempt, message: toMessageText(message) + omission });
  return fits ? `${line.slice(0, -1)},"fields":${json}}` : line;
}

/** Converts a message to text, truncated to the stored length. */
export function toMessageText(message: unknown): string {
  try {
    return sanitizeText(String(message), maxMessageLength);
  } catch {
    return "a message that cannot be read";
  }
}

/** Converts fields to JSON. @returns undefined if JSON cannot represent them or `jsonb` cannot store them */
export function toFieldsJson(fields: unknown): string | undefined {
  try {
    const json = JSON.stringify(fields, toLoggable) as string | undefined;
    return json !== undefined && unstorableEscape.test(json) ? undefined : json;
  } catch {
    return undefined;
  }
}

function describeOmission(json: string | undefined): string {
  return json === undefined ? "they cannot be read" : `they have ${json.length} characters`;
}

/** JSON omits an error's properties and rejects bigints, so both become text. */
function toLoggable(_key: string, value: unknown): unknown {
  if (typeof value === "string") return sanitizeText(value);
  if (typeof value === "bigint") return String(value);
  return value instanceof Error ? sanitizeText(`${value.name}: ${describeError(value)}`) : value;
}
