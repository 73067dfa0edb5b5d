import type { QueueView, StatsView } from "../../wire.js";
import { withQuery } from "../api.js";
import { useFetch } from "../use-fetch.js";
import { useLive } from "../live.js";
import { Card } from "../parts/card.js";
import { Loader } from "../parts/loader.js";
import { OverviewCharts } from "../parts/overview-charts.js";
import { OverviewTiles } from "../parts/overview-tiles.js";
import { PageHeader } from "../parts/page-header.js";
import { QueueTable } from "../parts/queue-table.js";
import { href, replaceRoute, type Route } from "../route.js";
import { BusiestJobs } from "../parts/busiest-jobs.js";

const ranges = ["15m", "1h", "6h", "24h", "7d"];
const refreshMs = 5_000;

export function OverviewPage({ query }: { readonly query: Route["query"] }) {
  const { range = "1h", queue = "" } = query;
  const { view } = useLive();
  const stats = useFetch<StatsView>(withQuery("stats", { range, queue }), refreshMs);
  const queues = view?.queues ?? [];
  return (
    <>
      <PageHeader title="Overview">
        <QueueSelect queues={queues} range={range} queue={queue} />
        <RangeChoice range={range} queue={queue} />
      </PageHeader>
      <OverviewTiles />
      <Loader state={stats} rows={12}>
        {(data) => <OverviewCharts stats={data} range={range} />}
      </Loader>
      <div class="columns">
        <Card title="Queues" aside={<a href={href("queues")}>All queues</a>}>
          {view && <QueueTable queues={queues} />}
        </Card>
        <Card title="Busiest jobs" aside={<span class="card-note">last {range}</span>}>
          {stats.data && <BusiestJobs jobs={stats.data.byName} />}
        </Card>
      </div>
    </>
  );
}

interface StatsFilter {
  readonly range: string;
  readonly queue: string;
}

interface QueueSelectProps extends StatsFilter {
  readonly queues: readonly QueueView[];
}

function QueueSelect({ queues, range, queue }: QueueSelectProps) {
  return (
    <select
      aria-label="Queue"
      value={queue}
      onChange={(event) => replaceRoute(href("overview", { range, queue: event.currentTarget.value }))}
    >
      <option value="">All queues</option>
      {queues.map(({ name }) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}

function RangeChoice({ range, queue }: StatsFilter) {
  return (
    <div class="choice" role="group" aria-label="Range">
      {ranges.map((each) => (
        <a key={each} href={href("overview", { range: each, queue })} aria-current={each === range || undefined}>
          {each}
        </a>
      ))}
    </div>
  );
}
