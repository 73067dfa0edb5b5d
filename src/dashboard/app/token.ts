import { base } from "./base.js";

const storageKey = "soniq-token";

/** Returns the token that requests carry. Null where the surrounding application authenticates the reader. */
export const readToken = (): string | null => sessionStorage.getItem(storageKey);

/** Stores the token for this tab, until the tab is closed. */
export const storeToken = (token: string): void => sessionStorage.setItem(storageKey, token.trim());

/** Moves the token from the address to the storage, so that it is neither in the address bar nor in the history. @returns whether the address had a token */
export function takeTokenFromAddress(): boolean {
  const token = parseToken(window.location.hash);
  if (token === null) return false;
  storeToken(token);
  window.history.replaceState(null, "", `${window.location.pathname}${window.location.search}#/`);
  return true;
}

// oxlint-disable unicorn/require-post-message-target-origin -- a BroadcastChannel reaches only its own origin
/** A message between the tabs of one dashboard: a request for a token, or a token that the server accepts. */
type Message = { readonly needed: true } | { readonly token: string };

/**
 * Opens the channel between the tabs of one dashboard. A BroadcastChannel reaches only tabs of its origin. The path in its name
 * excludes tabs of other dashboards on that origin.
 */
const openChannel = () => new BroadcastChannel(`${storageKey} ${base.pathname}`);

/** Shares this tab's token with tabs that need one. Call it once the server has accepted the token. @returns a function that stops sharing */
export function shareToken(): () => void {
  const channel = openChannel();
  const share = () => {
    const token = readToken();
    if (token !== null) channel.postMessage({ token } satisfies Message);
  };
  channel.addEventListener("message", ({ data }: MessageEvent<Message>) => "needed" in data && share());
  share();
  return () => channel.close();
}

/** Requests the token from other tabs, for a link that was opened in a new tab. @returns a function that stops listening */
export function requestToken(receive: (token: string) => void): () => void {
  const channel = openChannel();
  channel.addEventListener("message", ({ data }: MessageEvent<Message>) => {
    // The server has just refused this tab's token, so the same token from another tab would not help.
    if ("token" in data && data.token !== readToken()) receive(data.token);
  });
  channel.postMessage({ needed: true } satisfies Message);
  return () => channel.close();
}

/** Parses the token of a link such as `http://localhost:4680/#token=…`, or of its hash. Returns null without a token. */
export function parseToken(link: string): string | null {
  const [, token] = /#token=([^&]+)/.exec(link) ?? [];
  if (token === undefined) return null;
  try {
    return decodeURIComponent(token);
  } catch {
    // The token was typed by hand, without percent-encoding.
    return token;
  }
}
