import { useEffect } from "preact/hooks";

/** Actions by key: a single key such as `?`, or a sequence of two such as `g o`. */
export type Shortcuts = Readonly<Record<string, () => void>>;

/** The time within which the second key of a sequence must follow the first. */
const sequenceTimeoutMs = 1_500;

/** Handles shortcuts, except in input fields and while a dialog is open. */
export function useShortcuts(shortcuts: Shortcuts): void {
  useEffect(() => {
    let pending: { readonly key: string; readonly atMs: number } | null = null;
    const handleKey = (event: KeyboardEvent) => {
      if (
        event.ctrlKey ||
        event.metaKey ||
        event.altKey ||
        isEditable(event.target) ||
        document.querySelector("dialog[open]")
      )
        return;
      const sequence =
        pending && event.timeStamp - pending.atMs < sequenceTimeoutMs ? `${pending.key} ${event.key}` : "";
      const action = shortcuts[sequence] ?? shortcuts[event.key];
      pending = action ? null : { key: event.key, atMs: event.timeStamp };
      if (!action) return;
      event.preventDefault();
      action();
    };
    window.addEventListener("keydown", handleKey);
    return () => window.removeEventListener("keydown", handleKey);
  }, [shortcuts]);
}

const isEditable = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** Moves the focus to the next or previous row of the page. */
export function focusRow(step: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>("main [data-row]")];
  const current = rows.findIndex((row) => row === document.activeElement);
  const next = current < 0 ? (step > 0 ? 0 : rows.length - 1) : current + step;
  rows[next]?.focus();
}

/** Moves the focus to the page's heading, so that a screen reader announces it. */
export function focusHeading(options?: FocusOptions): void {
  const heading = document.querySelector<HTMLElement>("main :is(h1, h2)");
  if (!heading) return;
  heading.tabIndex = -1;
  heading.focus(options);
}
