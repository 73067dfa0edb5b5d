import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useSession } from "../session.js";
import { useToast } from "../toasts.js";
import { Dialog } from "./dialog.js";

interface ConfirmButtonProps {
  /** What the button says, and the one that confirms. */
  readonly label: string;
  /** What it acts on, for readers who hear one button after the other, as in a table. */
  readonly target?: string;
  readonly question: string;
  /** Whether something is lost by it. */
  readonly danger?: boolean;
  /** @returns what became of it, in words */
  readonly run: () => Promise<string>;
  readonly done?: () => void;
  /** What it means. */
  readonly children?: ComponentChildren;
}

/** A button that asks before it changes anything. Where nothing may be changed, there is none. */
export function ConfirmButton({ label, target, question, danger = false, run, done, children }: ConfirmButtonProps) {
  const { writable } = useSession();
  const [open, setOpen] = useState(false);
  if (!writable) return null;
  return (
    <>
      <button
        type="button"
        class={`button ${danger ? "danger" : ""}`}
        aria-label={target === undefined ? undefined : `${label} ${target}`}
        onClick={() => setOpen(true)}
      >
        {label}
      </button>
      {open && <Confirm {...{ label, question, danger, run, done, children }} close={() => setOpen(false)} />}
    </>
  );
}

interface ConfirmProps extends Omit<ConfirmButtonProps, "done" | "target"> {
  readonly done: (() => void) | undefined;
  readonly close: () => void;
}

function Confirm({ label, question, danger, run, done, close, children }: ConfirmProps) {
  const say = useToast();
  const [running, setRunning] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);
  const confirm = async () => {
    setRunning(true);
    try {
      say(await run());
      close();
      done?.();
    } catch (error) {
      setRefusal((error as Error).message);
      setRunning(false);
    }
  };
  return (
    <Dialog label={question} close={close}>
      <h2>{question}</h2>
      {children && <p>{children}</p>}
      {refusal && (
        <p class="refusal" role="alert">
          {refusal}
        </p>
      )}
      <div class="dialog-actions">
        <button type="button" class="button" onClick={close}>
          Keep as it is
        </button>
        <button
          type="button"
          class={`button primary ${danger ? "danger" : ""}`}
          disabled={running}
          onClick={() => void confirm()}
        >
          {label}
        </button>
      </div>
    </Dialog>
  );
}
