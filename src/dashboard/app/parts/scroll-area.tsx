import type { ComponentChildren } from "preact";

interface ScrollAreaProps {
  readonly label: string;
  readonly class: string;
  readonly children: ComponentChildren;
}

/** A scrollable area. It is focusable, so that the keyboard can scroll it. */
export function ScrollArea({ label, class: className, children }: ScrollAreaProps) {
  return (
    <div class={className} role="group" aria-label={label} tabIndex={0}>
      {children}
    </div>
  );
}
