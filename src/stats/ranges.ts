/** The ranges of the charts and the width of their steps, in seconds, the shortest range first. */
export const statsRanges = {
  "15m": { seconds: 900, step: 60 },
  "1h": { seconds: 3_600, step: 60 },
  "6h": { seconds: 21_600, step: 300 },
  "24h": { seconds: 86_400, step: 900 },
  "7d": { seconds: 604_800, step: 7_200 },
} as const;

export type StatsRange = keyof typeof statsRanges;

/** Longer than any chart's range. */
export const statsRetentionSeconds = 8 * 86_400;
