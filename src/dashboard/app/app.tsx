import { useEffect, useErrorBoundary, useMemo, useRef, useState } from "preact/hooks";
import type { SessionView } from "../wire.js";
import { signedOutEvent } from "./api.js";
import { ClockProvider } from "./clock.js";
import { useFetch } from "./use-fetch.js";
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
import { ErrorMessage, Loader } from "./parts/loader.js";
import { Palette } from "./parts/palette.js";
import { ShortcutsHelp } from "./parts/shortcuts-help.js";
import { pages, Sidebar } from "./parts/sidebar.js";
import { href, navigate, type Route, useRoute } from "./route.js";
import { SessionProvider } from "./session.js";
import { focusHeading, focusRow, type Shortcuts, useShortcuts } from "./shortcuts.js";
import { toggleTheme } from "./theme.js";
import { shareToken } from "./token.js";
import { ToastProvider } from "./toasts.js";

/** The whole page: the dashboard, or the sign-in form once the server refuses the token. */
export function App() {
  const [isSignedOut, setIsSignedOut] = useState(false);
  const session = useFetch<SessionView>("session");
  useEffect(() => {
    const signOut = () => setIsSignedOut(true);
    window.addEventListener(signedOutEvent, signOut);
    return () => window.removeEventListener(signedOutEvent, signOut);
  }, []);
  if (isSignedOut) return <SignIn />;
  return (
    <Loader state={session} rows={3}>
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
    </Loader>
  );
}

function Shell() {
  const route = useRoute();
  const [openDialog, setOpenDialog] = useState<"palette" | "help" | null>(null);
  useShortcuts(
    useMemo(
      (): Shortcuts => ({
        ...Object.fromEntries(pages.map(({ page, key }) => [`g ${key}`, () => navigate(href(page))])),
        "/": () => setOpenDialog("palette"),
        "?": () => setOpenDialog("help"),
        j: () => focusRow(1),
        k: () => focusRow(-1),
        t: toggleTheme,
      }),
      [],
    ),
  );
  useEffect(shareToken, []);
  const location = `${route.page} ${route.id}`;
  const previousLocation = useRef(location);
  useEffect(() => {
    if (location !== previousLocation.current) focusHeading({ preventScroll: true });
    previousLocation.current = location;
  }, [location]);
  // The close event of one dialog may arrive after another dialog has opened.
  const close = (dialog: typeof openDialog) => () => setOpenDialog((current) => (current === dialog ? null : current));
  return (
    <div class="shell">
      <button type="button" class="button skip" onClick={() => focusHeading()}>
        Skip to the content
      </button>
      <Sidebar currentPage={route.page} onSearch={() => setOpenDialog("palette")} />
      <main>
        <ConnectionLost />
        <GuardedPage key={location} route={route} />
      </main>
      {openDialog === "palette" && <Palette close={close("palette")} />}
      {openDialog === "help" && <ShortcutsHelp close={close("help")} />}
    </div>
  );
}

function ConnectionLost() {
  const { state } = useLive();
  if (state !== "lost") return null;
  return (
    <p class="connection-lost" role="status">
      Connection lost, reconnecting. This page may be out of date.
    </p>
  );
}

/** A page inside an error boundary. If rendering it fails, the rest of the dashboard keeps working. */
function GuardedPage({ route }: { readonly route: Route }) {
  const [error, reset] = useErrorBoundary();
  if (error) return <ErrorMessage error={error as Error} retry={reset} />;
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
        <Empty title="Page not found">
          Press <kbd>/</kbd> to search, or go to the <a href={href("overview")}>overview</a>.
        </Empty>
      );
  }
}
