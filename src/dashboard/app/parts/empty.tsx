import type { ComponentChildren } from "preact";

interface EmptyProps {
  readonly title: string;
  /** A hint on how to get the first entry, or on how to proceed. */
  readonly children?: ComponentChildren;
}

/** The placeholder of a list without entries. */
export function Empty({ title, children }: EmptyProps) {
  return (
    <div class="empty">
      <h2>{title}</h2>
      {children && <p>{children}</p>}
    </div>
  );
}
