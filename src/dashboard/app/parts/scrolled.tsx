import type { ComponentChildren } from "preact";

interface ScrolledProps {
  readonly label: string;
  readonly class: string;
  readonly children: ComponentChildren;
}

/** A part that scrolls by itself: the keyboard reaches it, too. */
export function Scrolled({ label, class: className, children }: ScrolledProps) {
  return (
    <div class={className} role="group" aria-label={label} tabIndex={0}>
      {children}
    </div>
  );
}
