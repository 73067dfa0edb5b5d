import type { EndpointView } from "../../wire.js";
import { type Values, withQuery } from "../api.js";
import { useFetched } from "../fetched.js";
import { Empty } from "../parts/empty.js";
import { EndpointActions, EndpointState } from "../parts/endpoint.js";
import { Loaded } from "../parts/loaded.js";
import { PageHeader } from "../parts/page-header.js";
import { type Column, Table } from "../parts/table.js";
import { Time } from "../parts/time.js";
import { goInstead, href, type Route } from "../route.js";

const refreshMs = 5_000;

export function WebhooksPage({ query }: { readonly query: Route["query"] }) {
  const { tenant = "", allTenants = "" } = query;
  const filter = { tenant, allTenants };
  const isChosen = tenant !== "" || allTenants !== "";
  const endpoints = useFetched<readonly EndpointView[]>(withQuery("endpoints", filter), refreshMs);
  return (
    <>
      <PageHeader title="Webhooks" above={isChosen && <a href={href("webhooks")}>All endpoints</a>} />
      <TenantFilter tenant={tenant} allTenants={allTenants} />
      <Loaded of={endpoints}>
        {(data) =>
          data.length === 0 ? (
            <None isChosen={isChosen} />
          ) : (
            <Table label="Endpoints" rows={data} columns={columnsFor(endpoints.reload)} keyOf={({ id }) => id} />
          )
        }
      </Loaded>
    </>
  );
}

function None({ isChosen }: { readonly isChosen: boolean }) {
  if (isChosen)
    return (
      <Empty title="No endpoint of this tenant">
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
  const show = (filter: Values) => goInstead(href("webhooks", filter));
  return (
    <form class="filters" role="search" aria-label="Endpoints" onSubmit={(event) => event.preventDefault()}>
      <div class="fields">
        <label class="field">
          <span>Tenant</span>
          <input
            key={tenant}
            name="tenant"
            defaultValue={tenant}
            autocomplete="off"
            spellcheck={false}
            onChange={(event) => show({ tenant: event.currentTarget.value.trim() })}
          />
        </label>
        <label class="field">
          <span>Gets events of</span>
          <select value={allTenants} onChange={(event) => show({ allTenants: event.currentTarget.value })}>
            <option value="">{tenant === "" ? "anyone" : "this tenant"}</option>
            <option value="1">all tenants</option>
          </select>
        </label>
      </div>
    </form>
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
  {
    title: "Tenant",
    of: ({ tenant }) =>
      tenant === null ? <span class="faint">all tenants</span> : <a href={href("webhooks", { tenant })}>{tenant}</a>,
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
