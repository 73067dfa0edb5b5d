const key = "soniq-token";

/** The token that calls carry; null where the application around the dashboard knows who looks. */
export const storedToken = (): string | null => sessionStorage.getItem(key);

/** Keeps it for this tab alone, and until that is closed. */
export const storeToken = (token: string): void => sessionStorage.setItem(key, token.trim());

/** Takes the token out of the address, where a look over the shoulder or the history would find it. @returns whether there was one */
export function takeToken(): boolean {
  const token = tokenOf(window.location.hash);
  if (token === null) return false;
  storeToken(token);
  window.history.replaceState(null, "", `${window.location.pathname}${window.location.search}#/`);
  return true;
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
