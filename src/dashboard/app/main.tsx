import "./language.js";
import { render } from "preact";
import { App } from "./app.js";
import { takeTokenFromAddress } from "./token.js";
import { applyTheme } from "./theme.js";

applyTheme();
takeTokenFromAddress();
// If the page is already open, opening a link with a token only changes the hash, and the browser does not load the page.
window.addEventListener("hashchange", () => takeTokenFromAddress() && window.location.reload());
render(<App />, document.getElementById("app") as HTMLElement);
