import type { ComponentChildren } from "preact";

/** What is known of something, by name; what is null is left out. */
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
