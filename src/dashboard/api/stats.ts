import * as v from "valibot";
import { statsRanges, type StatsRange } from "../../stats/ranges.js";
import { readStats } from "../../stats/read-stats.js";
import type { Api } from "../api.js";
import { parseQuery, text } from "../query.js";
import type { StatsView } from "../wire.js";

const statsQuery = v.strictObject({
  range: v.optional(v.picklist(Object.keys(statsRanges) as StatsRange[]), "1h"),
  queue: text,
  name: text,
});

export function addStatsRoute(api: Api): void {
  api.addReadRoute(
    "/stats",
    async (db, request) => (await readStats(db, parseQuery(request, statsQuery))) satisfies StatsView,
  );
}
