import type { ComponentChildren } from "preact";

interface CardProps {
  readonly title: string;
  /** Content at the right of the title. */
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** A section of a page, with a heading. */
export function Card({ title, aside, children }: CardProps) {
  return (
    <section class="card" aria-label={title}>
      <header class="card-header">
        <h2>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}
