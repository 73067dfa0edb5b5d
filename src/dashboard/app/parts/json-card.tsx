import type { ComponentChildren } from "preact";
import { useToast } from "../toasts.js";
import { Card } from "./card.js";
import { JsonTree } from "./json-tree.js";

interface JsonCardProps {
  readonly title: string;
  readonly value: unknown;
  readonly aside?: ComponentChildren;
}

/** A JSON value that can be read and copied. */
export function JsonCard({ title, value, aside }: JsonCardProps) {
  const say = useToast();
  const copy = async () => {
    await navigator.clipboard.writeText(JSON.stringify(value, null, 2));
    say(`${title} copied`);
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
            onClick={() => void copy().catch(() => say("The browser refused to copy."))}
          >
            Copy
          </button>
        </span>
      }
    >
      <div class="json">
        <JsonTree value={value} />
      </div>
    </Card>
  );
}
