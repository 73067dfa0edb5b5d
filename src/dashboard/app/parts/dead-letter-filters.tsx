import { useLive } from "../live.js";
import { goInstead, href, type Route } from "../route.js";

const texts: readonly (readonly [name: string, label: string])[] = [
  ["name", "Name"],
  ["queue", "Queue"],
  ["reason", "Reason has"],
  ["error", "Last error"],
];

const ages: readonly (readonly [text: string, hours: number])[] = [
  ["last hour", 1],
  ["last day", 24],
  ["last week", 168],
];

export function DeadLetterFilters({ filter }: { readonly filter: Route["query"] }) {
  const { view } = useLive();
  const set = (change: Readonly<Record<string, string>>) => goInstead(href("dead-letters", { ...filter, ...change }));
  return (
    <form class="filters" role="search" aria-label="Dead letters" onSubmit={(event) => event.preventDefault()}>
      <div class="fields">
        {texts.map(([name, label]) => (
          <label class="field" key={name}>
            <span>{label}</span>
            <input
              key={filter[name]}
              name={name}
              defaultValue={filter[name] ?? ""}
              autocomplete="off"
              spellcheck={false}
              list={name === "queue" ? "dead-queue-names" : undefined}
              onChange={(event) => set({ [name]: event.currentTarget.value.trim() })}
            />
          </label>
        ))}
        <label class="field">
          <span>Died</span>
          <select
            value={filter["since"] ? "since" : ""}
            onChange={({ currentTarget: { value } }) => set({ since: hoursAgo(value) })}
          >
            <option value="">at any time</option>
            {filter["since"] && <option value="since">since {filter["since"].slice(0, 16).replace("T", " ")}</option>}
            {ages.map(([text, hours]) => (
              <option key={text} value={hours}>
                in the {text}
              </option>
            ))}
          </select>
        </label>
      </div>
      <datalist id="dead-queue-names">
        {view?.queues.map(({ name }) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </form>
  );
}

const hoursAgo = (hours: string) =>
  hours === "" ? "" : new Date(Date.now() - Number(hours) * 3_600_000).toISOString();
