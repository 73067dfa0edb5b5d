import { useState } from "preact/hooks";
import { formatSize } from "../format.js";

/** The server replaces redacted values with this text. */
const redactedText = "•••";
const chunkKeys = 100;
const maxTextCharacters = 400;
/** In the outer levels, objects with at most this number of keys are open from the start. */
const maxOpenKeys = 30;

interface TreeProps {
  readonly value: unknown;
  readonly name?: string;
  readonly level?: number;
}

/** A JSON value as a tree. Closed branches and keys beyond the first chunk are not rendered, so that large values stay fast. */
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
  const [isOpen, setIsOpen] = useState(level < 3 && keys.length <= maxOpenKeys);
  const [shownKeys, setShownKeys] = useState(chunkKeys);
  if (keys.length === 0)
    return (
      <div class="json-line">
        <Name name={name} />
        <span class="faint">{isArray ? "[ ]" : "{ }"}</span>
      </div>
    );
  return (
    <div class="json-branch">
      <button type="button" class="json-line json-fold" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
        <Name name={name} />
        <span class="faint">{isArray ? `[ ${keys.length} ]` : `{ ${isOpen ? keys.length : previewKeys(keys)} }`}</span>
      </button>
      {isOpen && (
        <div class="json-inside">
          {keys.slice(0, shownKeys).map((key) => (
            <JsonTree key={key} name={key} value={value[key as keyof typeof value]} level={level + 1} />
          ))}
          {keys.length > shownKeys && (
            <button type="button" class="link" onClick={() => setShownKeys(shownKeys + 10 * chunkKeys)}>
              {keys.length - shownKeys} more
            </button>
          )}
        </div>
      )}
    </div>
  );
}

const previewKeys = (keys: readonly string[]) =>
  `${keys.slice(0, 3).join(", ").slice(0, 40)}${keys.length > 3 ? ", …" : ""}`;

const Name = ({ name }: { readonly name: string | undefined }) =>
  name === undefined ? null : <span class="json-name">{name}</span>;

function Leaf({ value }: { readonly value: unknown }) {
  if (value === redactedText) return <span class="redacted">redacted</span>;
  if (typeof value === "string") return <Text text={value} />;
  return <span class={`json-${value === null ? "null" : typeof value}`}>{String(value)}</span>;
}

/** A string, in quotes: they distinguish "42" from 42, and make an empty string visible. */
function Text({ text }: { readonly text: string }) {
  const [isWhole, setIsWhole] = useState(false);
  if (text.length <= maxTextCharacters || isWhole) return <span class="json-string">"{text}"</span>;
  return (
    <span class="json-string">
      "{text.slice(0, maxTextCharacters)}…{" "}
      <button type="button" class="link" onClick={() => setIsWhole(true)}>
        show all {formatSize(text.length)}
      </button>
    </span>
  );
}
