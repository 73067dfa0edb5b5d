import type { EndpointView } from "../../wire.js";
import { change } from "../api.js";
import { plural } from "../format.js";
import { ConfirmButton } from "./confirm-button.js";
import { Icon } from "./icon.js";
import { Time } from "./time.js";

/** Whether an endpoint takes deliveries: `open` is its breaker, while it fails. */
export function EndpointState({ endpoint }: { readonly endpoint: EndpointView }) {
  const { state, pausedReason, failures, openUntil } = endpoint;
  const icons = { working: "completed", paused: "parked", open: "failed" } as const;
  const notes = {
    working: failures > 0 ? `${plural(failures, "failure")} in a row` : null,
    paused: pausedReason,
    open: (
      <>
        {plural(failures, "failure")} in a row, tried <Time at={openUntil} />
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

export function EndpointActions({ endpoint, done }: { readonly endpoint: EndpointView; readonly done: () => void }) {
  const { id, url, state } = endpoint;
  const path = `endpoints/${encodeURIComponent(id)}`;
  return (
    <span class="actions">
      {state !== "working" && (
        <ConfirmButton
          label="Resume"
          target={url}
          question={`Resume ${url}?`}
          run={() => change(`${path}/resume`)}
          done={done}
        >
          What waits for it is sent now.
        </ConfirmButton>
      )}
      {state !== "paused" && (
        <ConfirmButton
          label="Pause"
          target={url}
          question={`Pause ${url}?`}
          run={() => change(`${path}/pause`)}
          done={done}
        >
          Nothing is sent to it until it is resumed; its deliveries wait.
        </ConfirmButton>
      )}
    </span>
  );
}
