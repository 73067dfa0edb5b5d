import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface DialogProps {
  readonly label: string;
  readonly class?: string;
  readonly close: () => void;
  readonly children: ComponentChildren;
}

/** A modal dialog. The browser traps the focus in it, and restores the focus on close. */
export function Dialog({ label, class: className = "", close, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      class={`dialog ${className}`}
      aria-label={label}
      onClose={close}
      onClick={(event) => event.target === dialog.current && close()}
    >
      <div class="dialog-body">{children}</div>
    </dialog>
  );
}

/** The error of the action that a dialog confirms. */
export function DialogError({ message }: { readonly message: string | null }) {
  if (message === null) return null;
  return (
    <p class="refusal" role="alert">
      {message}
    </p>
  );
}
