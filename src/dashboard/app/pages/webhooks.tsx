import type { EndpointView } from "../../wire.js";
import { type QueryValues, withQuery } from "../api.js";
import { useFetch } from "../use-fetch.js";
import { Empty } from "../parts/empty.js";
import { EndpointActions, EndpointState } from "../parts/endpoint.js";
import { TextField } from "../parts/filter-fields.js";
import { Loader } from "../parts/loader.js";
import { PageHeader } from "../parts/page-header.js";
import { type Column, Table } from "../parts/table.js";
import { Time } from "../parts/time.js";
import { href, replaceRoute, type Route } from "../route.js";

const refreshMs = 5_000;

export function WebhooksPage({ query }: { readonly query: Route["query"] }) {
  const { tenant = "", allTenants = "" } = query;
  const filter = { tenant, allTenants };
  const isFiltered = tenant !== "" || allTenants !== "";
  const endpoints = useFetch<readonly EndpointView[]>(withQuery("endpoints", filter), refreshMs);
  return (
    <>
      <PageHeader title="Webhooks" above={isFiltered && <a href={href("webhooks")}>All endpoints</a>} />
      <TenantFilter tenant={tenant} allTenants={allTenants} />
      <Loader state={endpoints}>
        {(data) =>
          data.length === 0 ? (
            <NoEndpoints isFiltered={isFiltered} />
          ) : (
            <Table label="Endpoints" rows={data} columns={buildColumns(endpoints.reload)} keyOf={({ id }) => id} />
          )
        }
      </Loader>
    </>
  );
}

function NoEndpoints({ isFiltered }: { readonly isFiltered: boolean }) {
  if (isFiltered)
    return (
      <Empty title="No endpoints match the filter">
        <a href={href("webhooks")}>Show all endpoints</a>
      </Empty>
    );
  return (
    <Empty title="No endpoints">
      Register one: <code>npx soniq-drizzle webhooks register https://example.com/hook --all-tenants --all-events</code>
    </Empty>
  );
}

function TenantFilter({ tenant, allTenants }: { readonly tenant: string; readonly allTenants: string }) {
  const show = (filter: QueryValues) => replaceRoute(href("webhooks", filter));
  return (
    <form class="filters" role="search" aria-label="Endpoints" onSubmit={(event) => event.preventDefault()}>
      <div class="fields">
        <TextField name="tenant" label="Tenant" value={tenant} onChange={(value) => show({ tenant: value })} />
        <label class="field">
          <span>Receives events of</span>
          <select value={allTenants} onChange={(event) => show({ allTenants: event.currentTarget.value })}>
            <option value="">{tenant === "" ? "any tenant" : "this tenant"}</option>
            <option value="1">all tenants</option>
          </select>
        </label>
      </div>
    </form>
  );
}

const buildColumns = (onDone: () => void): readonly Column<EndpointView>[] => [
  {
    title: "Endpoint",
    kind: "wide",
    render: ({ id, url, description }) => (
      <span class="stack">
        <a class="strong" data-row href={href(`webhooks/${encodeURIComponent(id)}`)}>
          {url}
        </a>
        <small>{description}</small>
      </span>
    ),
  },
  {
    title: "Tenant",
    render: ({ tenant }) =>
      tenant === null ? <span class="faint">all tenants</span> : <a href={href("webhooks", { tenant })}>{tenant}</a>,
  },
  { title: "State", render: (endpoint) => <EndpointState endpoint={endpoint} /> },
  {
    title: "Events",
    render: ({ events }) => (
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
  { title: "Added", kind: "number", render: ({ createdAt }) => <Time at={createdAt} /> },
  { title: "Actions", kind: "actions", render: (endpoint) => <EndpointActions endpoint={endpoint} onDone={onDone} /> },
];
