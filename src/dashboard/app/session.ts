import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { SessionView } from "../wire.js";

const Session = createContext<SessionView>({ version: "", user: null, writable: false, mayReveal: false });

export const SessionProvider = Session.Provider;
/** The current user, and their permissions. */
export const useSession = (): SessionView => useContext(Session);
