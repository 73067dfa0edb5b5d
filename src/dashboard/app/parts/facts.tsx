import type { ComponentChildren } from "preact";

/** A list of names and values. Entries whose value is null are left out. */
export function Facts({ facts }: { readonly facts: Readonly<Record<string, ComponentChildren | null>> }) {
  return (
    <dl class="facts">
      {Object.entries(facts).map(
        ([name, fact]) =>
          fact !== null && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{fact}</dd>
            </div>
          ),
      )}
    </dl>
  );
}
