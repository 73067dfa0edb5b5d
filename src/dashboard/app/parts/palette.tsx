import { useState } from "preact/hooks";
import { useLive } from "../live.js";
import { go, href, jobHref } from "../route.js";
import { Dialog } from "./dialog.js";
import { pages } from "./sidebar.js";

/** Somewhere to go. */
interface Destination {
  readonly label: string;
  readonly kind: string;
  readonly href: string;
}

const maxShown = 12;

/** Where a text may mean to go: a job by its id, pages and queues by parts of their names, jobs by name or tag. */
function destinations(text: string, queues: readonly string[]): Destination[] {
  const wanted = text.trim().toLowerCase();
  const fits = (name: string) => name.toLowerCase().includes(wanted);
  const found: Destination[] = [];
  if (/^#?\d+$/.test(wanted)) {
    const id = wanted.replace("#", "");
    found.push({ label: `#${id}`, kind: "job", href: jobHref(id) });
  }
  for (const { page, title } of pages) if (fits(title)) found.push({ label: title, kind: "page", href: href(page) });
  for (const queue of queues)
    if (fits(queue)) found.push({ label: queue, kind: "queue", href: href("jobs", { queue }) });
  if (wanted !== "") {
    found.push({ label: text.trim(), kind: "jobs with this name", href: href("jobs", { name: text.trim() }) });
    found.push({ label: text.trim(), kind: "jobs with this tag", href: href("jobs", { tag: text.trim() }) });
  }
  return found.slice(0, maxShown);
}

export function Palette({ close }: { readonly close: () => void }) {
  const { view } = useLive();
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const found = destinations(text, view?.queues.map(({ name }) => name) ?? []);
  const chosen = Math.min(at, found.length - 1);

  const open = (to: Destination | undefined) => {
    if (!to) return;
    close();
    go(to.href);
  };
  const press = (event: KeyboardEvent) => {
    const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 };
    const step = steps[event.key];
    if (event.key === "Enter") open(found[chosen]);
    else if (step) setAt((chosen + step + found.length) % found.length);
    else return;
    event.preventDefault();
  };

  return (
    <Dialog label="Search" class="palette" close={close}>
      <input
        class="palette-input"
        role="combobox"
        aria-label="Go to a job, a queue or a page"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={`palette-${chosen}`}
        autocomplete="off"
        spellcheck={false}
        autofocus
        placeholder="Job id, queue, page, name or tag …"
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={press}
      />
      <ul class="palette-list" id="palette-list" role="listbox" aria-label="Where to go">
        {found.map((to, i) => (
          <li
            key={`${to.kind} ${to.label}`}
            id={`palette-${i}`}
            role="option"
            aria-selected={i === chosen}
            onPointerMove={() => setAt(i)}
            onClick={() => open(to)}
          >
            <span>{to.label}</span>
            <small>{to.kind}</small>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
