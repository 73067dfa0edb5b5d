import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";

interface PageHeaderProps {
  readonly title: string;
  /** Replaces the title in the heading. */
  readonly heading?: ComponentChildren;
  /** Content above the title, such as a link to the parent page. */
  readonly above?: ComponentChildren;
  /** Buttons and selects at the right of the title. */
  readonly children?: ComponentChildren;
}

export function PageHeader({ title, heading, above, children }: PageHeaderProps) {
  useEffect(() => {
    document.title = `${title} · Soniq`;
  }, [title]);
  return (
    <header class="page-header">
      <div class="page-title">
        {above && <div class="above">{above}</div>}
        <h1>{heading ?? title}</h1>
      </div>
      {children && <div class="page-actions">{children}</div>}
    </header>
  );
}
