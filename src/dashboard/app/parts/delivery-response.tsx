import type { DeliveryView } from "../../wire.js";
import { pluralize, formatDuration } from "../format.js";
import { Time } from "./time.js";

/** The receiver's response, or the last error, and the failed attempts before. */
export function DeliveryAnswer({ delivery }: { readonly delivery: DeliveryView }) {
  const { answer, failures, nextAt, reason } = delivery;
  const lastFailure = failures.at(-1);
  return (
    <span class="stack">
      {answer ? (
        <span>
          <b>{answer.status}</b> in {formatDuration(answer.durationMs)}{" "}
          {answer.excerpt && (
            <code class="excerpt" title={answer.excerpt}>
              {answer.excerpt}
            </code>
          )}
        </span>
      ) : (
        <DeliveryError text={reason ?? lastFailure?.message ?? null} />
      )}
      {nextAt && failures.length > 0 && (
        <small>
          next attempt <Time at={nextAt} />
        </small>
      )}
      {failures.length > 0 && (
        <details>
          <summary>{pluralize(failures.length, "failed attempt")}</summary>
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

const DeliveryError = ({ text }: { readonly text: string | null }) =>
  text === null ? (
    <span class="faint">no response yet</span>
  ) : (
    <span class="excerpt" title={text}>
      {text}
    </span>
  );
