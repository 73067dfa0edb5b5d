import { useEffect } from "preact/hooks";
import { requestToken, storeToken, parseToken } from "../token.js";

/** The form for the token, shown while the server refuses the requests of this tab. */
export function SignIn() {
  useEffect(() => requestToken(signIn), []);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const text = new FormData(event.currentTarget as HTMLFormElement).get("token");
    if (typeof text !== "string" || text.trim() === "") return;
    signIn(parseToken(text) ?? text);
  };
  return (
    <main class="sign-in">
      <h1>Open the dashboard</h1>
      <p>
        This page needs a token. <code>npx soniq-drizzle dashboard</code> prints a link that contains it: open that
        link, or paste it here.
      </p>
      <form onSubmit={submit}>
        <input
          name="token"
          type="password"
          aria-label="Token, or the link"
          placeholder="Token, or the link"
          autocomplete="off"
          autofocus
          required
        />
        <button type="submit" class="button primary">
          Open
        </button>
      </form>
      <p class="faint">
        Other tabs of this dashboard share the token. The browser forgets it when you close the last of them. If the
        dashboard is part of an application, sign in there, then reload this page.
      </p>
    </main>
  );
}

function signIn(token: string): void {
  storeToken(token);
  window.location.reload();
}
