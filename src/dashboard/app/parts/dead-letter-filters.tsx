import { href, replaceRoute, type Route } from "../route.js";
import { QueueNames, TextField } from "./filter-fields.js";

const textFilters: readonly (readonly [name: string, label: string])[] = [
  ["name", "Name"],
  ["queue", "Queue"],
  ["reason", "Reason contains"],
  ["error", "Last error"],
];

const ages: readonly (readonly [text: string, hours: number])[] = [
  ["last hour", 1],
  ["last day", 24],
  ["last week", 168],
];

export function DeadLetterFilters({ filter }: { readonly filter: Route["query"] }) {
  const set = (change: Route["query"]) => replaceRoute(href("dead-letters", { ...filter, ...change }));
  return (
    <form class="filters" role="search" aria-label="Dead letters" onSubmit={(event) => event.preventDefault()}>
      <div class="fields">
        {textFilters.map(([name, label]) => (
          <TextField
            key={name}
            name={name}
            label={label}
            value={filter[name]}
            onChange={(value) => set({ [name]: value })}
            suggestsQueues={name === "queue"}
          />
        ))}
        <SinceSelect since={filter["since"]} onChange={(since) => set({ since })} />
      </div>
      <QueueNames />
    </form>
  );
}

interface SinceSelectProps {
  readonly since: string | undefined;
  readonly onChange: (since: string) => void;
}

function SinceSelect({ since, onChange }: SinceSelectProps) {
  return (
    <label class="field">
      <span>Died</span>
      <select value={since ? "since" : ""} onChange={(event) => onChange(hoursAgo(event.currentTarget.value))}>
        <option value="">at any time</option>
        {since && <option value="since">since {since.slice(0, 16).replace("T", " ")}</option>}
        {ages.map(([text, hours]) => (
          <option key={text} value={hours}>
            in the {text}
          </option>
        ))}
      </select>
    </label>
  );
}

const hoursAgo = (hours: string) =>
  hours === "" ? "" : new Date(Date.now() - Number(hours) * 3_600_000).toISOString();
