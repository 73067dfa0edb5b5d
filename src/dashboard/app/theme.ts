import { useEffect, useState } from "preact/hooks";

export type Theme = "light" | "dark";

const storageKey = "soniq-theme";
const queryDarkScheme = () => window.matchMedia("(prefers-color-scheme: dark)");

/** Returns the theme that the reader chose, otherwise that of their system. */
function readTheme(): Theme {
  const chosen = localStorage.getItem(storageKey);
  if (chosen === "light" || chosen === "dark") return chosen;
  return queryDarkScheme().matches ? "dark" : "light";
}

export function applyTheme(): void {
  document.documentElement.dataset["theme"] = readTheme();
}

/** The current theme, and a function that switches to the other theme. */
export function useTheme(): readonly [Theme, () => void] {
  const [theme, setTheme] = useState(readTheme);
  useEffect(() => {
    const update = () => {
      applyTheme();
      setTheme(readTheme());
    };
    const systemScheme = queryDarkScheme();
    systemScheme.addEventListener("change", update);
    window.addEventListener(themeChangedEvent, update);
    return () => {
      systemScheme.removeEventListener("change", update);
      window.removeEventListener(themeChangedEvent, update);
    };
  }, []);
  return [theme, toggleTheme];
}

const themeChangedEvent = "soniq-theme-changed";

export function toggleTheme(): void {
  localStorage.setItem(storageKey, readTheme() === "dark" ? "light" : "dark");
  window.dispatchEvent(new Event(themeChangedEvent));
}
