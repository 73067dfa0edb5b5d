import { version } from "../../core/version.js";
import type { Api } from "../api.js";
import type { SessionView } from "../wire.js";

/** Who looks, and what they may. */
export function sessionRoutes(api: Api): void {
  api.look("/session", (c, { name }) => {
    const { write, reveal } = api.settings.access;
    return c.json({ version, user: name, writable: write, mayReveal: reveal } satisfies SessionView);
  });
}
