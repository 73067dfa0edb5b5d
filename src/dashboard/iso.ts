/** A time as the API writes it. */
export function isoOrNull(time: Date | null): string | null {
  return time?.toISOString() ?? null;
}
