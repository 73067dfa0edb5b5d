import { type ComponentChildren, createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";

const Clock = createContext(Date.now());

/** The current time, updated every second. Relative times are computed from it. */
export const useNow = (): number => useContext(Clock);

export function ClockProvider({ children }: { readonly children: ComponentChildren }) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return <Clock.Provider value={now}>{children}</Clock.Provider>;
}
