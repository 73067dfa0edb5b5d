import type { ComponentChildren } from "preact";

interface CardProps {
  readonly title: string;
  /** What stands at the other end of the title. */
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** A part of a page, with a heading. */
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
