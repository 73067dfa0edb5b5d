import { useEffect } from "preact/hooks";
import { askForToken, storeToken, tokenOf } from "../token.js";

/** What is shown to whom the server does not know. */
export function SignIn() {
  useEffect(() => askForToken(signIn), []);
  const enter = (event: SubmitEvent) => {
    event.preventDefault();
    const text = new FormData(event.currentTarget as HTMLFormElement).get("token");
    if (typeof text !== "string" || text.trim() === "") return;
    signIn(tokenOf(text) ?? text);
  };
  return (
    <main class="sign-in">
      <h1>Open the dashboard</h1>
      <p>
        This page needs a token. <code>npx soniq-drizzle dashboard</code> prints a link that has it: open that link, or
        paste it here.
      </p>
      <form onSubmit={enter}>
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
        Other tabs of this dashboard share the token. It is forgotten when the last of them is closed. Where the
        dashboard is part of an application, sign in there, then load this page again.
      </p>
    </main>
  );
}

function signIn(token: string): void {
  storeToken(token);
  window.location.reload();
}
