import { base } from "./base.js";

const key = "soniq-token";

/** The token that calls carry; null where the application around the dashboard knows who looks. */
export const storedToken = (): string | null => sessionStorage.getItem(key);

/** Keeps the token for this tab, until the tab is closed. */
export const storeToken = (token: string): void => sessionStorage.setItem(key, token.trim());

/** Takes the token out of the address, where a look over the shoulder or the history would find it. @returns whether there was one */
export function takeToken(): boolean {
  const token = tokenOf(window.location.hash);
  if (token === null) return false;
  storeToken(token);
  window.history.replaceState(null, "", `${window.location.pathname}${window.location.search}#/`);
  return true;
}

// oxlint-disable unicorn/require-post-message-target-origin -- a BroadcastChannel reaches its own origin alone
/** What the tabs of one dashboard say to each other: that one needs a token, or which token the server accepts. */
type Message = { readonly needed: true } | { readonly token: string };

/** Only tabs of the same origin can listen, and only those of the dashboard that is mounted at the same path do. */
const openChannel = () => new BroadcastChannel(`${key} ${base.pathname}`);

/** Gives this tab's token, which the server accepts, to the other tabs that need one. @returns what ends that */
export function shareToken(): () => void {
  const channel = openChannel();
  const share = () => {
    const token = storedToken();
    if (token !== null) channel.postMessage({ token } satisfies Message);
  };
  channel.addEventListener("message", ({ data }: MessageEvent<Message>) => "needed" in data && share());
  share();
  return () => channel.close();
}

/** Asks the other tabs for their token, as a link that is opened in a new tab needs it. @returns what ends that */
export function askForToken(receive: (token: string) => void): () => void {
  const channel = openChannel();
  channel.addEventListener("message", ({ data }: MessageEvent<Message>) => {
    // The server has just refused this tab's own token.
    if ("token" in data && data.token !== storedToken()) receive(data.token);
  });
  channel.postMessage({ needed: true } satisfies Message);
  return () => channel.close();
}

/** The token of a link such as `http://localhost:4680/#token=…`, or of its hash; null if there is none. */
export function tokenOf(link: string): string | null {
  const [, token] = /#token=([^&]+)/.exec(link) ?? [];
  if (token === undefined) return null;
  try {
    return decodeURIComponent(token);
  } catch {
    // Whoever typed it did not encode it.
    return token;
  }
}
