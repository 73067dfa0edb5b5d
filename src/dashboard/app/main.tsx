import "./language.js";
import { render } from "preact";
import { App } from "./app.js";
import { takeToken } from "./token.js";
import { applyTheme } from "./theme.js";

applyTheme();
takeToken();
// A link with a token that is opened where the page is open already changes the hash, and loads nothing.
window.addEventListener("hashchange", () => takeToken() && window.location.reload());
render(<App />, document.getElementById("app") as HTMLElement);
