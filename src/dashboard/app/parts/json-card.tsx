import type { ComponentChildren } from "preact";
import { copyText } from "../copy-text.js";
import { useToast } from "../toasts.js";
import { Card } from "./card.js";
import { JsonTree } from "./json-tree.js";
import { ScrollArea } from "./scroll-area.js";

interface JsonCardProps {
  readonly title: string;
  readonly value: unknown;
  readonly aside?: ComponentChildren;
}

/** A JSON value that can be read and copied. */
export function JsonCard({ title, value, aside }: JsonCardProps) {
  const showToast = useToast();
  const copy = async () => {
    await copyText(JSON.stringify(value, null, 2));
    showToast(`${title} copied`);
  };
  return (
    <Card
      title={title}
      aside={
        <span class="card-aside">
          {aside}
          <button
            type="button"
            class="link"
            aria-label={`Copy ${title.toLowerCase()}`}
            onClick={() => void copy().catch(() => showToast("The browser refused to copy."))}
          >
            Copy
          </button>
        </span>
      }
    >
      <ScrollArea label={`${title} as JSON`} class="json">
        <JsonTree value={value} />
      </ScrollArea>
    </Card>
  );
}
