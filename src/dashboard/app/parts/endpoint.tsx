import type { EndpointView } from "../../wire.js";
import { postAction } from "../api.js";
import { pluralize } from "../format.js";
import { ConfirmButton } from "./confirm-button.js";
import { Icon } from "./icon.js";
import { Time } from "./time.js";

/** The state of an endpoint. `open` is its circuit breaker, after repeated failures. */
export function EndpointState({ endpoint }: { readonly endpoint: EndpointView }) {
  const { state, pausedReason, failures, openUntil } = endpoint;
  const icons = { working: "completed", paused: "parked", open: "failed" } as const;
  const notes = {
    working: failures > 0 ? `${pluralize(failures, "failure")} in a row` : null,
    paused: pausedReason,
    open: (
      <>
        {pluralize(failures, "failure")} in a row, next attempt <Time at={openUntil} />
      </>
    ),
  };
  return (
    <span class="stack">
      <span class={`state endpoint-${state}`}>
        <Icon name={icons[state]} />
        {state === "open" ? "failing" : state}
      </span>
      {notes[state] && <small>{notes[state]}</small>}
    </span>
  );
}

export function EndpointActions({
  endpoint,
  onDone,
}: {
  readonly endpoint: EndpointView;
  readonly onDone: () => void;
}) {
  const { id, url, state } = endpoint;
  const path = `endpoints/${encodeURIComponent(id)}`;
  return (
    <span class="actions">
      {state !== "working" && (
        <ConfirmButton
          label="Resume"
          target={url}
          question={`Resume ${url}?`}
          run={() => postAction(`${path}/resume`)}
          onDone={onDone}
        >
          Waiting deliveries are sent now.
        </ConfirmButton>
      )}
      {state !== "paused" && (
        <ConfirmButton
          label="Pause"
          target={url}
          question={`Pause ${url}?`}
          run={() => postAction(`${path}/pause`)}
          onDone={onDone}
        >
          Its deliveries wait until you resume it.
        </ConfirmButton>
      )}
    </span>
  );
}
