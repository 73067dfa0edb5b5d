import type { JobView } from "../../wire.js";
import { clock, exact } from "../format.js";
import { Card } from "./card.js";
import { Scrolled } from "./scrolled.js";

/** What the job's handler logged, oldest first. */
export function JobLogs({ logs }: Pick<JobView, "logs">) {
  return (
    <Card title="Logs" aside={<span class="card-note">{logs.length} lines</span>}>
      <Scrolled label="Log lines" class="logs">
        <ol>
          {logs.map(({ at, attempt, message, fields }, i) => (
            <li key={`${at} ${i}`}>
              <time dateTime={at} title={`${exact(at)}, attempt ${attempt}`}>
                {clock(at)}
              </time>
              <span>
                {message}
                {fields !== null && fields !== undefined && <code>{JSON.stringify(fields)}</code>}
              </span>
            </li>
          ))}
        </ol>
      </Scrolled>
    </Card>
  );
}
