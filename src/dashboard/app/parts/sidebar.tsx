import { useEffect, useRef } from "preact/hooks";
import { capped } from "../format.js";
import { useLive } from "../live.js";
import { href } from "../route.js";
import { useSession } from "../session.js";
import { useTheme } from "../theme.js";
import { Icon, type IconName } from "./icon.js";

/** The pages, and the key that leads to each after `g`. */
export const pages: readonly { readonly page: IconName; readonly title: string; readonly key: string }[] = [
  { page: "overview", title: "Overview", key: "o" },
  { page: "queues", title: "Queues", key: "q" },
  { page: "jobs", title: "Jobs", key: "j" },
  { page: "dead-letters", title: "Dead letters", key: "d" },
  { page: "schedules", title: "Schedules", key: "s" },
  { page: "workers", title: "Workers", key: "w" },
  { page: "webhooks", title: "Webhooks", key: "h" },
  { page: "audit", title: "Audit", key: "a" },
];

interface SidebarProps {
  /** The page that is open. */
  readonly at: string;
  readonly search: () => void;
}

export function Sidebar({ at, search }: SidebarProps) {
  const { view } = useLive();
  const nav = useRef<HTMLElement>(null);
  useEffect(() => showCurrent(nav.current), [at]);
  const counts: Readonly<Record<string, number | undefined>> = {
    "dead-letters": view?.deadLetters,
    workers: view?.workers,
  };
  return (
    <header class="sidebar">
      <div class="brand">
        <a href={href("overview")}>soniq</a>
        <LiveMark />
      </div>
      <button type="button" class="search" onClick={search}>
        <Icon name="search" />
        Search
        <kbd>/</kbd>
      </button>
      <nav aria-label="Pages" ref={nav}>
        {pages.map(({ page, title }) => (
          <a key={page} href={href(page)} class="nav" aria-current={page === at ? "page" : undefined}>
            <Icon name={page} />
            <span>{title}</span>
            {counts[page] ? <span class={`nav-count ${page}`}>{capped(counts[page])}</span> : null}
          </a>
        ))}
      </nav>
      <Foot />
    </header>
  );
}

/** On a phone, the links are wider than the screen. Not by `scrollIntoView`, after which the tab key starts from the link. */
function showCurrent(nav: HTMLElement | null): void {
  const link = nav?.querySelector("[aria-current]");
  if (!nav || !link) return;
  const [outer, inner] = [nav.getBoundingClientRect(), link.getBoundingClientRect()];
  nav.scrollLeft += inner.left + inner.width / 2 - outer.left - outer.width / 2;
}

function LiveMark() {
  const { state } = useLive();
  const words = { connecting: "connecting", live: "live", lost: "offline" };
  return <span class={`live-mark ${state}`}>{words[state]}</span>;
}

function Foot() {
  const { version, user, writable } = useSession();
  const [theme, turn] = useTheme();
  const other = theme === "dark" ? "light" : "dark";
  return (
    <div class="foot">
      <span class="foot-text" title={`soniq-drizzle ${version}`}>
        {user ?? `v${version}`}
        {!writable && <span class="badge">read-only</span>}
      </span>
      <button
        type="button"
        class="button quiet"
        aria-label={`Use the ${other} theme`}
        title={`Use the ${other} theme`}
        onClick={turn}
      >
        <Icon name={theme === "dark" ? "sun" : "moon"} />
      </button>
    </div>
  );
}
