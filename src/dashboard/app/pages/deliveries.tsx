import type { DeliveryListView, DeliveryView, EndpointView } from "../../wire.js";
import { postAction, withQuery } from "../api.js";
import { useFetch } from "../use-fetch.js";
import { ConfirmButton } from "../parts/confirm-button.js";
import { DeliveryAnswer } from "../parts/delivery-response.js";
import { Empty } from "../parts/empty.js";
import { EndpointActions, EndpointState } from "../parts/endpoint.js";
import { Loader } from "../parts/loader.js";
import { Pagination } from "../parts/pagination.js";
import { PageHeader } from "../parts/page-header.js";
import { StateBadge } from "../parts/state-badge.js";
import { type Column, Table } from "../parts/table.js";
import { Time } from "../parts/time.js";
import { href, jobHref, type Route } from "../route.js";

const refreshMs = 5_000;

interface DeliveriesPageProps {
  /** The id of the endpoint. */
  readonly id: string;
  readonly query: Route["query"];
}

export function DeliveriesPage({ id, query }: DeliveriesPageProps) {
  const endpoints = useFetch<readonly EndpointView[]>("endpoints", refreshMs);
  const path = withQuery(`endpoints/${encodeURIComponent(id)}/deliveries`, { cursor: query["cursor"] });
  const deliveries = useFetch<DeliveryListView>(path, refreshMs);
  const endpoint = endpoints.data?.find((each) => each.id === id);
  return (
    <>
      <PageHeader title={endpoint?.url ?? "Deliveries"} above={<a href={href("webhooks")}>Webhooks</a>}>
        {endpoint && <EndpointActions endpoint={endpoint} onDone={endpoints.reload} />}
      </PageHeader>
      {endpoint && (
        <div class="page-state">
          <EndpointState endpoint={endpoint} />
          <small>{endpoint.tenant === null ? "Events of all tenants" : `Events of tenant ${endpoint.tenant}`}</small>
        </div>
      )}
      <Loader state={deliveries}>
        {(data) =>
          data.deliveries.length === 0 ? (
            <Empty title="No deliveries yet">
              Publish an event:{" "}
              <code>await publishEvent(tx, orderPlaced, payload{endpoint?.tenant != null && ", { tenant }"})</code>
            </Empty>
          ) : (
            <>
              <Table
                label="Deliveries"
                rows={data.deliveries}
                columns={buildColumns(deliveries.reload)}
                keyOf={(delivery) => delivery.id}
              />
              <Pagination page={`webhooks/${encodeURIComponent(id)}`} query={query} next={data.next} />
            </>
          )
        }
      </Loader>
    </>
  );
}

const buildColumns = (onDone: () => void): readonly Column<DeliveryView>[] => [
  { title: "State", render: ({ state, reason }) => <StateBadge state={state} {...(reason && { title: reason })} /> },
  {
    title: "Event",
    render: ({ id, event, messageId }) => (
      <span class="stack">
        <a class="strong" data-row href={jobHref(id)}>
          {event}
        </a>
        <small class="id">{messageId}</small>
      </span>
    ),
  },
  { title: "Response", kind: "wide", render: (delivery) => <DeliveryAnswer delivery={delivery} /> },
  { title: "Attempt", kind: "number", render: ({ attempt }) => attempt },
  { title: "Published", kind: "number", render: ({ createdAt }) => <Time at={createdAt} /> },
  {
    title: "Actions",
    kind: "actions",
    render: ({ id, event }) => (
      <ConfirmButton
        label="Resend"
        target={`${event}, delivery ${id}`}
        question={`Resend ${event}?`}
        run={() => postAction(`deliveries/${id}/resend`)}
        onDone={onDone}
      >
        The message id stays the same, so that the receiver can detect a duplicate.
      </ConfirmButton>
    ),
  },
];
