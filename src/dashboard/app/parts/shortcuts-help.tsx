import { Dialog } from "./dialog.js";
import { pages } from "./sidebar.js";

const others: readonly (readonly [keys: string, what: string])[] = [
  ["/", "search: a job, a queue, a page"],
  ["j", "next row"],
  ["k", "row before"],
  ["t", "light or dark"],
  ["?", "this help"],
];

export function ShortcutsHelp({ close }: { readonly close: () => void }) {
  return (
    <Dialog label="Keyboard shortcuts" close={close}>
      <h2>Keyboard shortcuts</h2>
      <dl class="shortcuts">
        {pages.map(({ key, title }) => (
          <Shortcut key={key} keys={`g ${key}`} what={title} />
        ))}
        {others.map(([keys, what]) => (
          <Shortcut key={keys} keys={keys} what={what} />
        ))}
      </dl>
      <div class="dialog-actions">
        <button type="button" class="button" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  );
}

function Shortcut({ keys, what }: { readonly keys: string; readonly what: string }) {
  return (
    <div>
      <dt>
        {keys.split(" ").map((key) => (
          <kbd key={key}>{key}</kbd>
        ))}
      </dt>
      <dd>{what}</dd>
    </div>
  );
}
