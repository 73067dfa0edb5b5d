import { useEffect, useErrorBoundary, useMemo, useRef, useState } from "preact/hooks";
import type { SessionView } from "../wire.js";
import { signedOut } from "./api.js";
import { ClockProvider } from "./clock.js";
import { useFetched } from "./fetched.js";
import { LiveProvider, useLive } from "./live.js";
import { AuditPage } from "./pages/audit.js";
import { DeadLettersPage } from "./pages/dead-letters.js";
import { DeliveriesPage } from "./pages/deliveries.js";
import { JobPage } from "./pages/job.js";
import { JobsPage } from "./pages/jobs.js";
import { OverviewPage } from "./pages/overview.js";
import { QueuesPage } from "./pages/queues.js";
import { SchedulesPage } from "./pages/schedules.js";
import { SignIn } from "./pages/sign-in.js";
import { WebhooksPage } from "./pages/webhooks.js";
import { WorkersPage } from "./pages/workers.js";
import { Empty } from "./parts/empty.js";
import { Failed, Loaded } from "./parts/loaded.js";
import { Palette } from "./parts/palette.js";
import { ShortcutsHelp } from "./parts/shortcuts-help.js";
import { pages, Sidebar } from "./parts/sidebar.js";
import { go, href, type Route, useRoute } from "./route.js";
import { SessionProvider } from "./session.js";
import { focusHeading, focusRow, type Shortcuts, useShortcuts } from "./shortcuts.js";
import { turnTheme } from "./theme.js";
import { shareToken } from "./token.js";
import { ToastProvider } from "./toasts.js";

/** The dashboard, for whoever may see it. */
export function App() {
  const [isSignedOut, setSignedOut] = useState(false);
  const session = useFetched<SessionView>("session");
  useEffect(() => {
    const leave = () => setSignedOut(true);
    window.addEventListener(signedOut, leave);
    return () => window.removeEventListener(signedOut, leave);
  }, []);
  if (isSignedOut) return <SignIn />;
  return (
    <Loaded of={session} rows={3}>
      {(view) => (
        <SessionProvider value={view}>
          <LiveProvider>
            <ClockProvider>
              <ToastProvider>
                <Shell />
              </ToastProvider>
            </ClockProvider>
          </LiveProvider>
        </SessionProvider>
      )}
    </Loaded>
  );
}

function Shell() {
  const route = useRoute();
  const [open, setOpen] = useState<"palette" | "help" | null>(null);
  useShortcuts(
    useMemo(
      (): Shortcuts => ({
        ...Object.fromEntries(pages.map(({ page, key }) => [`g ${key}`, () => go(href(page))])),
        "/": () => setOpen("palette"),
        "?": () => setOpen("help"),
        j: () => focusRow(1),
        k: () => focusRow(-1),
        t: turnTheme,
      }),
      [],
    ),
  );
  useEffect(shareToken, []);
  const place = `${route.page} ${route.id}`;
  const placeBefore = useRef(place);
  useEffect(() => {
    if (place !== placeBefore.current) focusHeading({ preventScroll: true });
    placeBefore.current = place;
  }, [place]);
  // One dialog may be opened before another has closed.
  const close = (which: typeof open) => () => setOpen((now) => (now === which ? null : now));
  return (
    <div class="shell">
      <button type="button" class="button skip" onClick={() => focusHeading()}>
        Skip to the content
      </button>
      <Sidebar at={route.page} search={() => setOpen("palette")} />
      <main>
        <Lost />
        <Guarded key={place} route={route} />
      </main>
      {open === "palette" && <Palette close={close("palette")} />}
      {open === "help" && <ShortcutsHelp close={close("help")} />}
    </div>
  );
}

function Lost() {
  const { state } = useLive();
  if (state !== "lost") return null;
  return (
    <p class="connection-lost" role="status">
      Connection lost, trying again. What is shown may be old.
    </p>
  );
}

/** A page; if drawing it fails, the rest of the dashboard goes on. */
function Guarded({ route }: { readonly route: Route }) {
  const [error, reset] = useErrorBoundary();
  if (error) return <Failed error={error as Error} retry={reset} />;
  return <Page route={route} />;
}

function Page({ route: { page, id, query } }: { readonly route: Route }) {
  switch (page) {
    case "overview":
      return <OverviewPage query={query} />;
    case "queues":
      return <QueuesPage />;
    case "jobs":
      return id === null ? <JobsPage query={query} /> : <JobPage id={id} />;
    case "dead-letters":
      return <DeadLettersPage query={query} />;
    case "schedules":
      return <SchedulesPage />;
    case "workers":
      return <WorkersPage />;
    case "webhooks":
      return id === null ? <WebhooksPage query={query} /> : <DeliveriesPage id={id} query={query} />;
    case "audit":
      return <AuditPage query={query} />;
    default:
      return (
        <Empty title="There is no such page">
          Press <kbd>/</kbd> to search, or go to the <a href={href("overview")}>overview</a>.
        </Empty>
      );
  }
}
