import { useState } from "preact/hooks";
import { href, jobHref, navigate, replaceRoute, type Route } from "../route.js";
import { QueueNames, TextField, TimeField } from "./filter-fields.js";

const states = ["queued", "active", "completed", "cancelled", "dead"];
/** These filters are hidden until the reader opens them or the address contains one. */
const detailFilters = ["field", "value", "since", "until"];

interface FiltersProps {
  readonly query: Route["query"];
}

/** The filters of the job list. The address contains all of them, so that a link to it can be shared, and the back button works. */
export function JobFilters({ query }: FiltersProps) {
  const [isUnfolded, setIsUnfolded] = useState(false);
  const hasDetails = detailFilters.some((name) => query[name]);
  const isOpen = isUnfolded || hasDetails;
  const bind = (name: string) => ({
    name,
    value: query[name],
    onChange: (value: string) => replaceRoute(href("jobs", { ...query, cursor: null, [name]: value })),
  });
  return (
    <form class="filters" role="search" aria-label="Jobs" onSubmit={(event) => event.preventDefault()}>
      <StateFilter query={query} />
      <div class="fields">
        <TextField {...bind("name")} label="Name" />
        <TextField {...bind("queue")} label="Queue" suggestsQueues />
        <TextField {...bind("tag")} label="Tag" />
        <IdField />
        {!hasDetails && (
          <button type="button" class="link" aria-expanded={isOpen} onClick={() => setIsUnfolded(!isOpen)}>
            {isOpen ? "Fewer filters" : "More filters"}
          </button>
        )}
      </div>
      {isOpen && (
        <div class="fields">
          <TextField {...bind("field")} label="Payload field, such as order.id" />
          <TextField {...bind("value")} label="is" />
          <TimeField {...bind("since")} label="Enqueued since" />
          <TimeField {...bind("until")} label="until" />
        </div>
      )}
      <QueueNames />
    </form>
  );
}

function StateFilter({ query }: FiltersProps) {
  const address = (state: string | null) => href("jobs", { ...query, cursor: null, state });
  return (
    <div class="choice" role="group" aria-label="State">
      <a href={address(null)} aria-current={!query["state"] || undefined}>
        all
      </a>
      {states.map((state) => (
        <a key={state} href={address(state)} aria-current={state === query["state"] || undefined}>
          {state}
        </a>
      ))}
    </div>
  );
}

/** Opens the page of a job by its id. */
function IdField() {
  const open = (text: string) => /^#?\d+$/.test(text) && navigate(jobHref(text.replace("#", "")));
  return (
    <label class="field narrow">
      <span>Id</span>
      <input
        type="text"
        name="id"
        inputMode="numeric"
        autocomplete="off"
        onChange={(event) => open(event.currentTarget.value.trim())}
      />
    </label>
  );
}
