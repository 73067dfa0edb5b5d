import { useState } from "preact/hooks";
import type { BulkProgressView } from "../../wire.js";
import { changeMany } from "../api.js";
import { capped, count as counted, plural } from "../format.js";
import type { Route } from "../route.js";
import { useSession } from "../session.js";
import { Dialog } from "./dialog.js";

interface BulkButtonProps {
  readonly action: "retry" | "purge";
  readonly filter: Route["query"];
  readonly count: number;
  readonly done: () => void;
}

const wordings = {
  retry: {
    label: "Retry",
    past: "retried",
    means:
      "Each is queued again now, with all its attempts. One whose unique key another job holds is refused, and stays.",
  },
  purge: {
    label: "Purge",
    past: "purged",
    means: "They are deleted, payloads and errors too. Nothing brings them back.",
  },
};

/** A retry of more letters is confirmed by typing its word, as a purge always is. */
const maxQuickReplay = 100;

/** Retries or purges all dead letters that a filter finds, after a question, and shows the progress. */
export function BulkButton(props: BulkButtonProps) {
  const { writable } = useSession();
  const [open, setOpen] = useState(false);
  const { action, count } = props;
  if (!writable) return null;
  return (
    <>
      {count > 0 && (
        <button type="button" class={`button ${action === "purge" ? "danger" : ""}`} onClick={() => setOpen(true)}>
          {wordings[action].label} {capped(count)}
        </button>
      )}
      {open && <Bulk {...props} close={() => setOpen(false)} />}
    </>
  );
}

function Bulk({ action, filter, count: countNow, done, close }: BulkButtonProps & { readonly close: () => void }) {
  // As it was when it was asked for: while it goes on, there are fewer and fewer.
  const [count] = useState(countNow);
  const [typed, setTyped] = useState("");
  const [progress, setProgress] = useState<BulkProgressView | null>(null);
  const [running, setRunning] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);
  const { label, past, means } = wordings[action];

  const run = async () => {
    setRunning(true);
    try {
      const said = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== ""));
      for await (const line of changeMany<BulkProgressView>(`dead-letters/${action}`, said)) {
        setProgress(line);
        if (line.error) setRefusal(line.error);
      }
    } catch (error) {
      setRefusal((error as Error).message);
    }
    setRunning(false);
    done();
  };
  const isOver = progress?.finished === true || refusal !== null;
  const word = action === "purge" || count > maxQuickReplay ? action : "";
  const question = `${label} ${plural(count, "dead letter")}?`;

  return (
    <Dialog label={question} close={close}>
      <h2>{question}</h2>
      <Chosen filter={filter} />
      <p>{means}</p>
      {word !== "" && !running && !isOver && (
        <label class="field">
          <span>
            Type <b>{word}</b> to confirm
          </span>
          <input autofocus autocomplete="off" value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
        </label>
      )}
      {(running || progress) && (
        <div class="progress" role="status">
          <progress max={count} value={progress?.finished ? count : (progress?.done ?? 0)} aria-label="How far it is" />
          <span>
            {counted(progress?.done ?? 0)} {past}
            {progress && progress.refused > 0 && `, ${counted(progress.refused)} refused`}
            {progress?.finished && ". All done."}
          </span>
        </div>
      )}
      {refusal && (
        <p class="refusal" role="alert">
          {refusal}
        </p>
      )}
      <div class="dialog-actions">
        <button type="button" class="button" onClick={close}>
          {running || isOver ? "Close" : "Keep them"}
        </button>
        {!running && !isOver && (
          <button
            type="button"
            class={`button primary ${action === "purge" ? "danger" : ""}`}
            disabled={typed.trim().toLowerCase() !== word}
            onClick={() => void run()}
          >
            {label}
          </button>
        )}
      </div>
    </Dialog>
  );
}

function Chosen({ filter }: { readonly filter: Route["query"] }) {
  const said = Object.entries(filter).filter(([, value]) => value !== "");
  if (said.length === 0) return <p>All of them, whatever they died of.</p>;
  return (
    <p class="chosen">
      {said.map(([name, value]) => (
        <span class="tag" key={name}>
          {name}: {value}
        </span>
      ))}
    </p>
  );
}
