import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";

interface PageHeaderProps {
  readonly title: string;
  /** What the heading shows in place of the title. */
  readonly heading?: ComponentChildren;
  /** What stands before the title, such as a link to the page above. */
  readonly above?: ComponentChildren;
  /** What can be done here. */
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
