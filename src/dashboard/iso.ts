/** Formats a time as the API sends it. */
export function toIsoOrNull(time: Date | null): string | null {
  return time?.toISOString() ?? null;
}
