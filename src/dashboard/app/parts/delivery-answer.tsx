import type { DeliveryView } from "../../wire.js";
import { plural, span } from "../format.js";
import { Time } from "./time.js";

/** What the receiver said, and what came before that. */
export function DeliveryAnswer({ delivery }: { readonly delivery: DeliveryView }) {
  const { answer, failures, nextAt, reason } = delivery;
  const last = failures.at(-1);
  return (
    <span class="stack">
      {answer ? (
        <span>
          <b>{answer.status}</b> in {span(answer.durationMs)}{" "}
          {answer.excerpt && (
            <code class="excerpt" title={answer.excerpt}>
              {answer.excerpt}
            </code>
          )}
        </span>
      ) : (
        <Fault text={reason ?? last?.message ?? null} />
      )}
      {nextAt && failures.length > 0 && (
        <small>
          tried again <Time at={nextAt} />
        </small>
      )}
      {failures.length > 0 && (
        <details>
          <summary>{plural(failures.length, "failed attempt")}</summary>
          <ol class="failures">
            {failures.map(({ attempt, at, message, status }) => (
              <li key={attempt}>
                <span class="faint">
                  {attempt}. <Time at={at} />
                </span>{" "}
                {status !== null && <b>{status}</b>} {message}
              </li>
            ))}
          </ol>
        </details>
      )}
    </span>
  );
}

const Fault = ({ text }: { readonly text: string | null }) =>
  text === null ? (
    <span class="faint">none yet</span>
  ) : (
    <span class="excerpt" title={text}>
      {text}
    </span>
  );
