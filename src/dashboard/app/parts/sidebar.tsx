import { useEffect, useRef } from "preact/hooks";
import { formatCount } from "../format.js";
import { useLive } from "../live.js";
import { href } from "../route.js";
import { useSession } from "../session.js";
import { useTheme } from "../theme.js";
import { Icon, type IconName } from "./icon.js";

/** The pages. `key` opens a page when it is pressed after `g`. */
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
  readonly currentPage: string;
  readonly onSearch: () => void;
}

export function Sidebar({ currentPage, onSearch }: SidebarProps) {
  const { view } = useLive();
  const nav = useRef<HTMLElement>(null);
  useEffect(() => scrollToCurrentLink(nav.current), [currentPage]);
  const counts: Readonly<Record<string, number | undefined>> = {
    "dead-letters": view?.deadLetters,
    workers: view?.workers,
  };
  return (
    <header class="sidebar">
      <div class="brand">
        <a href={href("overview")}>soniq</a>
        <LiveIndicator />
      </div>
      <button type="button" class="search" onClick={onSearch}>
        <Icon name="search" />
        Search
        <kbd>/</kbd>
      </button>
      <nav aria-label="Pages" ref={nav}>
        {pages.map(({ page, title }) => (
          <a key={page} href={href(page)} class="nav" aria-current={page === currentPage ? "page" : undefined}>
            <Icon name={page} />
            <span>{title}</span>
            {counts[page] ? <span class={`nav-count ${page}`}>{formatCount(counts[page])}</span> : null}
          </a>
        ))}
      </nav>
      <SidebarFooter />
    </header>
  );
}

/**
 * Scrolls the link of the current page into view: on a phone, the links are wider than the screen. `scrollIntoView` would
 * also move the starting point of the Tab key to the link.
 */
function scrollToCurrentLink(nav: HTMLElement | null): void {
  const link = nav?.querySelector("[aria-current]");
  if (!nav || !link) return;
  const [outer, inner] = [nav.getBoundingClientRect(), link.getBoundingClientRect()];
  nav.scrollLeft += inner.left + inner.width / 2 - outer.left - outer.width / 2;
}

function LiveIndicator() {
  const { state } = useLive();
  const labels = { connecting: "connecting", live: "live", lost: "offline" };
  return <span class={`live-mark ${state}`}>{labels[state]}</span>;
}

function SidebarFooter() {
  const { version, user, writable } = useSession();
  const [theme, toggle] = useTheme();
  const otherTheme = theme === "dark" ? "light" : "dark";
  return (
    <div class="foot">
      <span class="foot-text" title={`soniq-drizzle ${version}`}>
        {user ?? `v${version}`}
        {!writable && <span class="badge">read-only</span>}
      </span>
      <button
        type="button"
        class="button quiet"
        aria-label={`Use the ${otherTheme} theme`}
        title={`Use the ${otherTheme} theme`}
        onClick={toggle}
      >
        <Icon name={theme === "dark" ? "sun" : "moon"} />
      </button>
    </div>
  );
}
