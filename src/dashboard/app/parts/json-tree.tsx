import { useState } from "preact/hooks";
import { size } from "../format.js";

/** What is redacted is stored so in what the server answers. */
const redactedMark = "•••";
const chunk = 100;
const maxText = 400;
/** Objects no larger than this are open from the start, in the outer levels. */
const smallEnough = 30;

interface TreeProps {
  readonly value: unknown;
  readonly name?: string;
  readonly level?: number;
}

/** A JSON value as a tree; what is closed or far down is not drawn, so that a large one costs little. */
export function JsonTree({ value, name, level = 0 }: TreeProps) {
  if (typeof value === "object" && value !== null) return <Branch value={value} name={name} level={level} />;
  return (
    <div class="json-line">
      <Name name={name} />
      <Leaf value={value} />
    </div>
  );
}

interface BranchProps {
  readonly value: object;
  readonly name: string | undefined;
  readonly level: number;
}

function Branch({ value, name, level }: BranchProps) {
  const isArray = Array.isArray(value);
  const keys = Object.keys(value);
  const [open, setOpen] = useState(level < 3 && keys.length <= smallEnough);
  const [shown, setShown] = useState(chunk);
  if (keys.length === 0)
    return (
      <div class="json-line">
        <Name name={name} />
        <span class="faint">{isArray ? "[ ]" : "{ }"}</span>
      </div>
    );
  return (
    <div class="json-branch">
      <button type="button" class="json-line json-fold" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Name name={name} />
        <span class="faint">{isArray ? `[ ${keys.length} ]` : `{ ${open ? keys.length : preview(keys)} }`}</span>
      </button>
      {open && (
        <div class="json-inside">
          {keys.slice(0, shown).map((key) => (
            <JsonTree key={key} name={key} value={value[key as keyof typeof value]} level={level + 1} />
          ))}
          {keys.length > shown && (
            <button type="button" class="link" onClick={() => setShown(shown + 10 * chunk)}>
              {keys.length - shown} more
            </button>
          )}
        </div>
      )}
    </div>
  );
}

const preview = (keys: readonly string[]) =>
  `${keys.slice(0, 3).join(", ").slice(0, 40)}${keys.length > 3 ? ", …" : ""}`;

const Name = ({ name }: { readonly name: string | undefined }) =>
  name === undefined ? null : <span class="json-name">{name}</span>;

function Leaf({ value }: { readonly value: unknown }) {
  if (value === redactedMark) return <span class="redacted">redacted</span>;
  if (typeof value === "string") return <Text text={value} />;
  return <span class={`json-${value === null ? "null" : typeof value}`}>{String(value)}</span>;
}

/** In quotes: "42" is not 42, and an empty text can be seen. */
function Text({ text }: { readonly text: string }) {
  const [whole, setWhole] = useState(false);
  if (text.length <= maxText || whole) return <span class="json-string">"{text}"</span>;
  return (
    <span class="json-string">
      "{text.slice(0, maxText)}…{" "}
      <button type="button" class="link" onClick={() => setWhole(true)}>
        show all {size(text.length)}
      </button>
    </span>
  );
}
