import { Dialog } from "./dialog.js";
import { pages } from "./sidebar.js";

const otherShortcuts: readonly (readonly [keys: string, description: string])[] = [
  ["/", "search jobs, queues and pages"],
  ["j", "next row"],
  ["k", "previous row"],
  ["t", "switch between light and dark"],
  ["?", "this help"],
];

export function ShortcutsHelp({ close }: { readonly close: () => void }) {
  return (
    <Dialog label="Keyboard shortcuts" close={close}>
      <h2>Keyboard shortcuts</h2>
      <dl class="shortcuts">
        {pages.map(({ key, title }) => (
          <Shortcut key={key} keys={`g ${key}`} description={title} />
        ))}
        {otherShortcuts.map(([keys, description]) => (
          <Shortcut key={keys} keys={keys} description={description} />
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

function Shortcut({ keys, description }: { readonly keys: string; readonly description: string }) {
  return (
    <div>
      <dt>
        {keys.split(" ").map((key) => (
          <kbd key={key}>{key}</kbd>
        ))}
      </dt>
      <dd>{description}</dd>
    </div>
  );
}
