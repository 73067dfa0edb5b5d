import { useState } from "preact/hooks";
import { useLive } from "../live.js";
import { go, goInstead, href, jobHref, type Route } from "../route.js";

const states = ["queued", "active", "completed", "cancelled", "dead"];
/** Those that are folded away until one is used. */
const rarer = ["field", "value", "since", "until"];

/** What is looked for. All of it is in the address, so that it can be sent to somebody, and the way back works. */
export function JobFilters({ query }: { readonly query: Route["query"] }) {
  const { view } = useLive();
  const [unfolded, setUnfolded] = useState(false);
  const isUsed = rarer.some((name) => query[name]);
  const open = unfolded || isUsed;
  const filter = { ...query, cursor: null };
  const set = (change: Readonly<Record<string, string | null>>) => goInstead(href("jobs", { ...filter, ...change }));
  const input = (name: string, label: string, list?: string) => (
    <label class="field">
      <span>{label}</span>
      <input
        key={query[name] ?? ""}
        type="text"
        name={name}
        defaultValue={query[name] ?? ""}
        autocomplete="off"
        spellcheck={false}
        {...(list && { list })}
        onChange={(event) => set({ [name]: event.currentTarget.value.trim() })}
      />
    </label>
  );
  const time = (name: string, label: string) => (
    <label class="field">
      <span>{label}</span>
      <input
        key={query[name] ?? ""}
        name={name}
        type="datetime-local"
        defaultValue={localTime(query[name])}
        onChange={({ currentTarget: { value } }) => set({ [name]: value && new Date(value).toISOString() })}
      />
    </label>
  );
  return (
    <form class="filters" role="search" aria-label="Jobs" onSubmit={(event) => event.preventDefault()}>
      <div class="choice" role="group" aria-label="State">
        <a href={href("jobs", { ...filter, state: null })} aria-current={!query["state"] || undefined}>
          all
        </a>
        {states.map((state) => (
          <a key={state} href={href("jobs", { ...filter, state })} aria-current={state === query["state"] || undefined}>
            {state}
          </a>
        ))}
      </div>
      <div class="fields">
        {input("name", "Name")}
        {input("queue", "Queue", "queue-names")}
        {input("tag", "Tag")}
        <label class="field narrow">
          <span>Id</span>
          <input
            type="text"
            name="id"
            inputMode="numeric"
            autocomplete="off"
            onChange={({ currentTarget: { value } }) =>
              /^#?\d+$/.test(value.trim()) && go(jobHref(value.trim().replace("#", "")))
            }
          />
        </label>
        {!isUsed && (
          <button type="button" class="link" aria-expanded={open} onClick={() => setUnfolded(!open)}>
            {open ? "Fewer filters" : "Payload and time …"}
          </button>
        )}
      </div>
      {open && (
        <div class="fields">
          {input("field", "Payload field, such as order.id")}
          {input("value", "is")}
          {time("since", "Enqueued since")}
          {time("until", "until")}
        </div>
      )}
      <datalist id="queue-names">
        {view?.queues.map(({ name }) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </form>
  );
}

/** A time as inputs have it: in the reader's zone, without saying so. */
function localTime(at: string | undefined): string {
  const date = new Date(at ?? NaN);
  if (Number.isNaN(date.getTime())) return "";
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
