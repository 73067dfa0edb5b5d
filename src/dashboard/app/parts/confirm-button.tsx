import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useSession } from "../session.js";
import { useToast } from "../toasts.js";
import { Dialog, DialogError } from "./dialog.js";

interface ConfirmButtonProps {
  /** The label of the button, and of the button that confirms. */
  readonly label: string;
  /** The object of the action, for the accessible name: in a table, a screen reader reads many buttons with the same label. */
  readonly target?: string;
  readonly question: string;
  /** Whether the action loses something. */
  readonly danger?: boolean;
  /** Performs the action. @returns the outcome, as text */
  readonly run: () => Promise<string>;
  readonly onDone?: () => void;
  /** The consequence of the action. */
  readonly children?: ComponentChildren;
}

/** A button that asks for confirmation before it changes anything. A read-only dashboard does not show it. */
export function ConfirmButton({ label, target, question, danger = false, run, onDone, children }: ConfirmButtonProps) {
  const { writable } = useSession();
  const [isOpen, setIsOpen] = useState(false);
  if (!writable) return null;
  return (
    <>
      <button
        type="button"
        class={`button ${danger ? "danger" : ""}`}
        aria-label={target === undefined ? undefined : `${label} ${target}`}
        onClick={() => setIsOpen(true)}
      >
        {label}
      </button>
      {isOpen && (
        <ConfirmDialog {...{ label, question, danger, run, onDone, children }} close={() => setIsOpen(false)} />
      )}
    </>
  );
}

interface ConfirmDialogProps extends Omit<ConfirmButtonProps, "onDone" | "target"> {
  readonly onDone: (() => void) | undefined;
  readonly close: () => void;
}

function ConfirmDialog({ label, question, danger, run, onDone, close, children }: ConfirmDialogProps) {
  const showToast = useToast();
  const [isRunning, setIsRunning] = useState(false);
  const [errorMessage, setErrorMessage] = useState<string | null>(null);
  const confirm = async () => {
    setIsRunning(true);
    try {
      showToast(await run());
      close();
      onDone?.();
    } catch (error) {
      setErrorMessage((error as Error).message);
      setIsRunning(false);
    }
  };
  return (
    <Dialog label={question} close={close}>
      <h2>{question}</h2>
      {children && <p>{children}</p>}
      <DialogError message={errorMessage} />
      <div class="dialog-actions">
        <button type="button" class="button" onClick={close}>
          Keep as it is
        </button>
        <button
          type="button"
          class={`button primary ${danger ? "danger" : ""}`}
          disabled={isRunning}
          onClick={() => void confirm()}
        >
          {label}
        </button>
      </div>
    </Dialog>
  );
}
