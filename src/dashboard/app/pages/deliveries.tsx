import type { DeliveryListView, DeliveryView, EndpointView } from "../../wire.js";
import { change, withQuery } from "../api.js";
import { useFetched } from "../fetched.js";
import { ConfirmButton } from "../parts/confirm-button.js";
import { DeliveryAnswer } from "../parts/delivery-answer.js";
import { Empty } from "../parts/empty.js";
import { EndpointActions, EndpointState } from "../parts/endpoint.js";
import { Loaded } from "../parts/loaded.js";
import { Older } from "../parts/older.js";
import { PageHeader } from "../parts/page-header.js";
import { StateMark } from "../parts/state-mark.js";
import { type Column, Table } from "../parts/table.js";
import { Time } from "../parts/time.js";
import { href, jobHref, type Route } from "../route.js";

const refreshMs = 5_000;

interface DeliveriesPageProps {
  /** The endpoint's. */
  readonly id: string;
  readonly query: Route["query"];
}

export function DeliveriesPage({ id, query }: DeliveriesPageProps) {
  const endpoints = useFetched<readonly EndpointView[]>("endpoints", refreshMs);
  const path = withQuery(`endpoints/${encodeURIComponent(id)}/deliveries`, { cursor: query["cursor"] });
  const deliveries = useFetched<DeliveryListView>(path, refreshMs);
  const endpoint = endpoints.data?.find((each) => each.id === id);
  return (
    <>
      <PageHeader title={endpoint?.url ?? "Deliveries"} above={<a href={href("webhooks")}>Webhooks</a>}>
        {endpoint && <EndpointActions endpoint={endpoint} done={endpoints.reload} />}
      </PageHeader>
      {endpoint && (
        <div class="page-state">
          <EndpointState endpoint={endpoint} />
          <small>{endpoint.tenant === null ? "Events of all tenants" : `Events of tenant ${endpoint.tenant}`}</small>
        </div>
      )}
      <Loaded of={deliveries}>
        {(data) =>
          data.deliveries.length === 0 ? (
            <Empty title="Nothing was sent to it yet">
              Publish an event:{" "}
              <code>await publish(tx, orderPlaced, payload{endpoint?.tenant != null && ", { tenant }"})</code>
            </Empty>
          ) : (
            <>
              <Table
                label="Deliveries"
                rows={data.deliveries}
                columns={columnsFor(deliveries.reload)}
                keyOf={(delivery) => delivery.id}
              />
              <Older page={`webhooks/${encodeURIComponent(id)}`} query={query} next={data.next} />
            </>
          )
        }
      </Loaded>
    </>
  );
}

const columnsFor = (done: () => void): readonly Column<DeliveryView>[] => [
  { title: "State", of: ({ state, reason }) => <StateMark state={state} {...(reason && { title: reason })} /> },
  {
    title: "Event",
    of: ({ id, event, messageId }) => (
      <span class="stack">
        <a class="strong" data-row href={jobHref(id)}>
          {event}
        </a>
        <small class="id">{messageId}</small>
      </span>
    ),
  },
  { title: "Answer", kind: "wide", of: (delivery) => <DeliveryAnswer delivery={delivery} /> },
  { title: "Attempt", kind: "number", of: ({ attempt }) => attempt },
  { title: "PublishedEvent", kind: "number", of: ({ createdAt }) => <Time at={createdAt} /> },
  {
    title: "Actions",
    kind: "actions",
    of: ({ id, event }) => (
      <ConfirmButton
        label="Resend"
        target={`${event}, delivery ${id}`}
        question={`Send ${event} once more?`}
        run={() => change(`deliveries/${id}/resend`)}
        done={done}
      >
        With the same message id, so that a receiver which has it already can tell.
      </ConfirmButton>
    ),
  },
];
