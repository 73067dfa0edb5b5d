import type { EndpointView } from "../../wire.js";
import { useFetched } from "../fetched.js";
import { Empty } from "../parts/empty.js";
import { EndpointActions, EndpointState } from "../parts/endpoint.js";
import { Loaded } from "../parts/loaded.js";
import { PageHeader } from "../parts/page-header.js";
import { type Column, Table } from "../parts/table.js";
import { Time } from "../parts/time.js";
import { href } from "../route.js";

const refreshMs = 5_000;

export function WebhooksPage() {
  const endpoints = useFetched<readonly EndpointView[]>("endpoints", refreshMs);
  return (
    <>
      <PageHeader title="Webhooks" />
      <Loaded of={endpoints}>
        {(data) =>
          data.length === 0 ? (
            <Empty title="No endpoints">
              Add one: <code>npx soniq-drizzle webhooks add https://example.com/hook</code>
            </Empty>
          ) : (
            <Table label="Endpoints" rows={data} columns={columnsFor(endpoints.reload)} keyOf={({ id }) => id} />
          )
        }
      </Loaded>
    </>
  );
}

const columnsFor = (done: () => void): readonly Column<EndpointView>[] => [
  {
    title: "Endpoint",
    kind: "wide",
    of: ({ id, url, description }) => (
      <span class="stack">
        <a class="strong" data-row href={href(`webhooks/${encodeURIComponent(id)}`)}>
          {url}
        </a>
        <small>{description}</small>
      </span>
    ),
  },
  { title: "State", of: (endpoint) => <EndpointState endpoint={endpoint} /> },
  {
    title: "Events",
    of: ({ events }) => (
      <span class="tags">
        {events.length === 0 && <small>all</small>}
        {events.map((event) => (
          <span class="tag" key={event}>
            {event}
          </span>
        ))}
      </span>
    ),
  },
  { title: "Added", kind: "number", of: ({ createdAt }) => <Time at={createdAt} /> },
  { title: "Actions", kind: "actions", of: (endpoint) => <EndpointActions endpoint={endpoint} done={done} /> },
];
