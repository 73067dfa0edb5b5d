import { version } from "../../core/version.js";
import type { Api } from "../api.js";
import type { SessionView } from "../wire.js";

/** Adds the route of the user's name and rights. */
export function addSessionRoute(api: Api): void {
  api.addGetRoute("/session", (c, { name }) => {
    const { write, reveal } = api.settings.access;
    return c.json({ version, user: name, writable: write, mayReveal: reveal } satisfies SessionView);
  });
}
