import { type ComponentChildren, createContext } from "preact";
import { useCallback, useContext, useState } from "preact/hooks";

type ShowToast = (text: string) => void;

const Toasts = createContext<ShowToast>(() => {});
const toastMs = 6_000;

/** Returns a function that shows a short message in a corner of the page. */
export const useToast = (): ShowToast => useContext(Toasts);

export function ToastProvider({ children }: { readonly children: ComponentChildren }) {
  const [toasts, setToasts] = useState<readonly { readonly id: number; readonly text: string }[]>([]);
  const showToast = useCallback((text: string) => {
    const toast = { id: Math.random(), text };
    setToasts((previous) => [...previous.slice(-2), toast]);
    setTimeout(() => setToasts((previous) => previous.filter(({ id }) => id !== toast.id)), toastMs);
  }, []);
  return (
    <Toasts.Provider value={showToast}>
      {children}
      <div class="toasts" role="status" aria-live="polite">
        {toasts.map(({ id, text }) => (
          <p class="toast" key={id}>
            {text}
          </p>
        ))}
      </div>
    </Toasts.Provider>
  );
}
