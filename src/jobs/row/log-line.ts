import { describeError } from "../../core/errors.js";
import { sanitizeText } from "../../core/storable.js";

/** A line that a handler logs, before anything is known of what it can be stored as. */
interface RawLogLine {
  /** A text; but whoever has no compiler may pass anything. */
  readonly message: unknown;
  readonly fields: unknown;
  readonly attempt: number;
  /** Microseconds from the claim: the database knows when that was. */
  readonly afterUs: number;
}

const maxMessage = 2_000;
const maxFields = 2_000;
/** What JSON can say in a key, and `jsonb` cannot hold: NUL, and half a surrogate pair. A backslash that is itself escaped escapes nothing. */
const unstorableEscape = /(?<!\\)(?:\\\\)*\\u(0000|d[89a-f])/i;

/** The line as a JSON text, cut, and storable whatever it was. The append puts the time in the place of `afterUs`. */
export function logLineJson({ message, fields, attempt, afterUs }: RawLogLine): string {
  const json = fields === undefined ? undefined : fieldsJson(fields);
  const kept = json !== undefined && json.length <= maxFields;
  const leftOut = fields === undefined || kept ? "" : ` (its fields are left out: ${whyLeftOut(json)})`;
  const line = JSON.stringify({ afterUs, attempt, message: messageText(message) + leftOut });
  return kept ? `${line.slice(0, -1)},"fields":${json}}` : line;
}

/** What is kept of a message. */
export function messageText(message: unknown): string {
  try {
    return sanitizeText(String(message), maxMessage);
  } catch {
    return "a message that cannot be read";
  }
}

/** Fields as a JSON text. @returns undefined if JSON cannot say them, or `jsonb` cannot hold them */
export function fieldsJson(fields: unknown): string | undefined {
  try {
    const json = JSON.stringify(fields, readable) as string | undefined;
    return json !== undefined && unstorableEscape.test(json) ? undefined : json;
  } catch {
    return undefined;
  }
}

function whyLeftOut(json: string | undefined): string {
  return json === undefined ? "they cannot be read" : `they have ${json.length} characters`;
}

/** Errors have nothing that JSON sees, and bigints none of its numbers. */
function readable(_key: string, value: unknown): unknown {
  if (typeof value === "string") return sanitizeText(value);
  if (typeof value === "bigint") return String(value);
  return value instanceof Error ? sanitizeText(`${value.name}: ${describeError(value)}`) : value;
}
