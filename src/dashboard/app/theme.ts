import { useEffect, useState } from "preact/hooks";

export type Theme = "light" | "dark";

const key = "soniq-theme";
const systemDark = () => window.matchMedia("(prefers-color-scheme: dark)");

/** The theme that is shown: what the reader chose, else what their system says. */
function shownTheme(): Theme {
  const chosen = localStorage.getItem(key);
  if (chosen === "light" || chosen === "dark") return chosen;
  return systemDark().matches ? "dark" : "light";
}

export function applyTheme(): void {
  document.documentElement.dataset["theme"] = shownTheme();
}

/** The theme, and how to turn it into the other one. */
export function useTheme(): readonly [Theme, () => void] {
  const [theme, setTheme] = useState(shownTheme);
  useEffect(() => {
    const follow = () => {
      applyTheme();
      setTheme(shownTheme());
    };
    const system = systemDark();
    system.addEventListener("change", follow);
    window.addEventListener(changed, follow);
    return () => {
      system.removeEventListener("change", follow);
      window.removeEventListener(changed, follow);
    };
  }, []);
  return [theme, turnTheme];
}

const changed = "soniq-theme-changed";

export function turnTheme(): void {
  localStorage.setItem(key, shownTheme() === "dark" ? "light" : "dark");
  window.dispatchEvent(new Event(changed));
}
