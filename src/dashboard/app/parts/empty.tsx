import type { ComponentChildren } from "preact";

interface EmptyProps {
  readonly title: string;
  /** What to do so that there is something. */
  readonly children?: ComponentChildren;
}

export function Empty({ title, children }: EmptyProps) {
  return (
    <div class="empty">
      <h2>{title}</h2>
      {children && <p>{children}</p>}
    </div>
  );
}
