import { type ComponentChildren, createContext } from "preact";
import { useCallback, useContext, useState } from "preact/hooks";

type Say = (text: string) => void;

const Toasts = createContext<Say>(() => {});
const shownMs = 6_000;

/** Says in a corner what was done. */
export const useToast = (): Say => useContext(Toasts);

export function ToastProvider({ children }: { readonly children: ComponentChildren }) {
  const [toasts, setToasts] = useState<readonly { readonly id: number; readonly text: string }[]>([]);
  const say = useCallback((text: string) => {
    const toast = { id: Math.random(), text };
    setToasts((before) => [...before.slice(-2), toast]);
    setTimeout(() => setToasts((before) => before.filter(({ id }) => id !== toast.id)), shownMs);
  }, []);
  return (
    <Toasts.Provider value={say}>
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
