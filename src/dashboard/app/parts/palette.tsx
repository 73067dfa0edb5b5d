import { useState } from "preact/hooks";
import { useLive } from "../live.js";
import { href, jobHref, navigate } from "../route.js";
import { Dialog } from "./dialog.js";
import { pages } from "./sidebar.js";

/** A search result: an address within the dashboard. */
interface Destination {
  readonly label: string;
  readonly kind: string;
  readonly href: string;
}

const maxResults = 12;

/** Finds the destinations that match a text: a job by its id, pages and queues by parts of their names, jobs by name or tag. */
function findDestinations(text: string, queues: readonly string[]): Destination[] {
  const query = text.trim().toLowerCase();
  const matches = (name: string) => name.toLowerCase().includes(query);
  const results: Destination[] = [];
  if (/^#?\d+$/.test(query)) {
    const id = query.replace("#", "");
    results.push({ label: `#${id}`, kind: "job", href: jobHref(id) });
  }
  for (const { page, title } of pages)
    if (matches(title)) results.push({ label: title, kind: "page", href: href(page) });
  for (const queue of queues)
    if (matches(queue)) results.push({ label: queue, kind: "queue", href: href("jobs", { queue }) });
  if (query !== "") {
    results.push({ label: text.trim(), kind: "jobs with this name", href: href("jobs", { name: text.trim() }) });
    results.push({ label: text.trim(), kind: "jobs with this tag", href: href("jobs", { tag: text.trim() }) });
  }
  return results.slice(0, maxResults);
}

export function Palette({ close }: { readonly close: () => void }) {
  const { view } = useLive();
  const [text, setText] = useState("");
  const [index, setIndex] = useState(0);
  const results = findDestinations(text, view?.queues.map(({ name }) => name) ?? []);
  const selected = Math.min(index, results.length - 1);

  const open = (destination: Destination | undefined) => {
    if (!destination) return;
    close();
    navigate(destination.href);
  };
  const type = (typed: string) => {
    setText(typed);
    setIndex(0);
  };
  const handleKey = (event: KeyboardEvent) => {
    const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 };
    const step = steps[event.key];
    if (event.key === "Enter") open(results[selected]);
    else if (step) setIndex((selected + step + results.length) % results.length);
    else return;
    event.preventDefault();
  };

  return (
    <Dialog label="Search" class="palette" close={close}>
      <SearchInput text={text} selected={selected} onType={type} onKey={handleKey} />
      <ResultList results={results} selected={selected} select={setIndex} open={open} />
    </Dialog>
  );
}

interface SearchInputProps {
  readonly text: string;
  readonly selected: number;
  readonly onType: (text: string) => void;
  readonly onKey: (event: KeyboardEvent) => void;
}

function SearchInput({ text, selected, onType, onKey }: SearchInputProps) {
  return (
    <input
      class="palette-input"
      role="combobox"
      aria-label="Go to a job, a queue or a page"
      aria-expanded="true"
      aria-controls="palette-list"
      aria-activedescendant={`palette-${selected}`}
      autocomplete="off"
      spellcheck={false}
      autofocus
      placeholder="Job id, queue, page, name or tag …"
      value={text}
      onInput={(event) => onType(event.currentTarget.value)}
      onKeyDown={onKey}
    />
  );
}

interface ResultListProps {
  readonly results: readonly Destination[];
  readonly selected: number;
  readonly select: (index: number) => void;
  readonly open: (destination: Destination) => void;
}

function ResultList({ results, selected, select, open }: ResultListProps) {
  return (
    <ul class="palette-list" id="palette-list" role="listbox" aria-label="Results">
      {results.map((destination, i) => (
        <li
          key={`${destination.kind} ${destination.label}`}
          id={`palette-${i}`}
          role="option"
          aria-selected={i === selected}
          onPointerMove={() => select(i)}
          onClick={() => open(destination)}
        >
          <span>{destination.label}</span>
          <small>{destination.kind}</small>
        </li>
      ))}
    </ul>
  );
}
