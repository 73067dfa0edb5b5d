import type { JobView } from "../../wire.js";
import { formatClockTime, formatDateTime, pluralize } from "../format.js";
import { Card } from "./card.js";
import { ScrollArea } from "./scroll-area.js";

/** The log lines of the job's handler, oldest first. */
export function JobLogs({ logs }: Pick<JobView, "logs">) {
  return (
    <Card title="Logs" aside={<span class="card-note">{pluralize(logs.length, "line")}</span>}>
      <ScrollArea label="Log lines" class="logs">
        <ol>
          {logs.map(({ at, attempt, message, fields }, i) => (
            <li key={`${at} ${i}`}>
              <time dateTime={at} title={`${formatDateTime(at)}, attempt ${attempt}`}>
                {formatClockTime(at)}
              </time>
              <span>
                {message}
                {fields !== null && fields !== undefined && <code>{JSON.stringify(fields)}</code>}
              </span>
            </li>
          ))}
        </ol>
      </ScrollArea>
    </Card>
  );
}
