import { useEffect } from "preact/hooks";

/** What keys do, by keys: one such as `?`, or two after each other such as `g o`. */
export type Shortcuts = Readonly<Record<string, () => void>>;

/** For so long the second key of two is waited for. */
const patienceMs = 1_500;

/** Listens to keys, but not while something is typed or a dialog is open. */
export function useShortcuts(shortcuts: Shortcuts): void {
  useEffect(() => {
    let first: { readonly key: string; readonly at: number } | null = null;
    const press = (event: KeyboardEvent) => {
      if (
        event.ctrlKey ||
        event.metaKey ||
        event.altKey ||
        isTyped(event.target) ||
        document.querySelector("dialog[open]")
      )
        return;
      const pair = first && event.timeStamp - first.at < patienceMs ? `${first.key} ${event.key}` : "";
      const action = shortcuts[pair] ?? shortcuts[event.key];
      first = action ? null : { key: event.key, at: event.timeStamp };
      if (!action) return;
      event.preventDefault();
      action();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [shortcuts]);
}

const isTyped = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** Moves the focus among a page's rows. */
export function focusRow(by: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>("main [data-row]")];
  const at = rows.findIndex((row) => row === document.activeElement);
  const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : at + by;
  rows[next]?.focus();
}

/** Moves the focus to the page's heading, which a screen reader then reads. */
export function focusHeading(options?: FocusOptions): void {
  const heading = document.querySelector<HTMLElement>("main :is(h1, h2)");
  if (!heading) return;
  heading.tabIndex = -1;
  heading.focus(options);
}
