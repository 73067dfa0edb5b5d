import { useState } from "preact/hooks";
import type { BulkProgressView } from "../../wire.js";
import { streamAction } from "../api.js";
import { formatCount, formatNumber, pluralize } from "../format.js";
import type { Route } from "../route.js";
import { useSession } from "../session.js";
import { Dialog, DialogError } from "./dialog.js";

interface BulkButtonProps {
  readonly action: "retry" | "purge";
  readonly filter: Route["query"];
  readonly count: number;
  readonly onDone: () => void;
}

const wordings = {
  retry: {
    label: "Retry",
    pastTense: "retried",
    consequence:
      "Each job is queued again now, with all its attempts. A job whose unique key is held by another job is refused and stays a dead letter.",
  },
  purge: {
    label: "Purge",
    pastTense: "purged",
    consequence: "This deletes the jobs, including their payloads and errors. It cannot be undone.",
  },
};

/** A retry of more jobs must be confirmed by typing the word. A purge always must. */
const maxQuickRetryJobs = 100;

/** Retries or purges all dead letters that match a filter, after a confirmation, and shows the progress. */
export function BulkButton(props: BulkButtonProps) {
  const { writable } = useSession();
  const [isOpen, setIsOpen] = useState(false);
  const { action, count } = props;
  if (!writable) return null;
  return (
    <>
      {count > 0 && (
        <button type="button" class={`button ${action === "purge" ? "danger" : ""}`} onClick={() => setIsOpen(true)}>
          {wordings[action].label} {formatCount(count)}
        </button>
      )}
      {isOpen && <BulkDialog {...props} close={() => setIsOpen(false)} />}
    </>
  );
}

interface BulkDialogProps extends BulkButtonProps {
  readonly close: () => void;
}

function BulkDialog({ action, filter, count: currentCount, onDone, close }: BulkDialogProps) {
  // The action reduces the current count, so the dialog keeps the count at its opening.
  const [count] = useState(currentCount);
  const [typedWord, setTypedWord] = useState("");
  const { progress, isRunning, errorMessage, run } = useBulkAction(action, filter, onDone);
  const { label, consequence } = wordings[action];
  const isFinished = progress?.finished === true || errorMessage !== null;
  const isStarted = isRunning || isFinished;
  const requiredWord = action === "purge" || count > maxQuickRetryJobs ? action : "";
  const question = `${label} ${pluralize(count, "dead letter")}?`;

  return (
    <Dialog label={question} close={close}>
      <h2>{question}</h2>
      <FilterSummary filter={filter} />
      <p>{consequence}</p>
      {requiredWord !== "" && !isStarted && <WordInput word={requiredWord} typed={typedWord} onType={setTypedWord} />}
      {(isRunning || progress) && <BulkProgress action={action} count={count} progress={progress} />}
      <DialogError message={errorMessage} />
      <div class="dialog-actions">
        <button type="button" class="button" onClick={close}>
          {isStarted ? "Close" : "Keep them"}
        </button>
        {!isStarted && (
          <button
            type="button"
            class={`button primary ${action === "purge" ? "danger" : ""}`}
            disabled={typedWord.trim().toLowerCase() !== requiredWord}
            onClick={() => void run()}
          >
            {label}
          </button>
        )}
      </div>
    </Dialog>
  );
}

function useBulkAction(action: BulkButtonProps["action"], filter: Route["query"], onDone: () => void) {
  const [progress, setProgress] = useState<BulkProgressView | null>(null);
  const [isRunning, setIsRunning] = useState(false);
  const [errorMessage, setErrorMessage] = useState<string | null>(null);
  const run = async () => {
    setIsRunning(true);
    try {
      const body = Object.fromEntries(activeEntries(filter));
      for await (const message of streamAction<BulkProgressView>(`dead-letters/${action}`, body)) {
        setProgress(message);
        if (message.error) setErrorMessage(message.error);
      }
    } catch (error) {
      setErrorMessage((error as Error).message);
    }
    setIsRunning(false);
    onDone();
  };
  return { progress, isRunning, errorMessage, run };
}

const activeEntries = (filter: Route["query"]) => Object.entries(filter).filter(([, value]) => value !== "");

interface WordInputProps {
  readonly word: string;
  readonly typed: string;
  readonly onType: (text: string) => void;
}

function WordInput({ word, typed, onType }: WordInputProps) {
  return (
    <label class="field">
      <span>
        Type <b>{word}</b> to confirm
      </span>
      <input autofocus autocomplete="off" value={typed} onInput={(event) => onType(event.currentTarget.value)} />
    </label>
  );
}

interface BulkProgressProps extends Pick<BulkButtonProps, "action" | "count"> {
  readonly progress: BulkProgressView | null;
}

function BulkProgress({ action, count, progress }: BulkProgressProps) {
  const doneCount = progress?.done ?? 0;
  return (
    <div class="progress" role="status">
      <progress max={count} value={progress?.finished ? count : doneCount} aria-label="Progress" />
      <span>
        {formatNumber(doneCount)} {wordings[action].pastTense}
        {progress && progress.refused > 0 && `, ${formatNumber(progress.refused)} refused`}
        {progress?.finished && ". All done."}
      </span>
    </div>
  );
}

function FilterSummary({ filter }: { readonly filter: Route["query"] }) {
  const entries = activeEntries(filter);
  if (entries.length === 0) return <p>All dead letters, regardless of their cause.</p>;
  return (
    <p class="filter-summary">
      {entries.map(([name, value]) => (
        <span class="tag" key={name}>
          {name}: {value}
        </span>
      ))}
    </p>
  );
}
