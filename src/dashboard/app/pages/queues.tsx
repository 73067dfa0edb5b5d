import type { QueueView } from "../../wire.js";
import { change, pathOf } from "../api.js";
import { plural } from "../format.js";
import { useFetched } from "../fetched.js";
import { ConfirmButton } from "../parts/confirm-button.js";
import { Loaded } from "../parts/loaded.js";
import { PageHeader } from "../parts/page-header.js";
import { QueueTable } from "../parts/queue-table.js";

const refreshMs = 2_000;

export function QueuesPage() {
  const queues = useFetched<readonly QueueView[]>("queues", refreshMs);
  return (
    <>
      <PageHeader title="Queues" />
      <Loaded of={queues}>
        {(data) => (
          <QueueTable queues={data} actions={(queue) => <PauseOrResume queue={queue} done={queues.reload} />} />
        )}
      </Loaded>
    </>
  );
}

interface PauseOrResumeProps {
  readonly queue: QueueView;
  readonly done: () => void;
}

function PauseOrResume({ queue, done }: PauseOrResumeProps) {
  const { name, due, pausedAt } = queue;
  const doing = (verb: string) => change(pathOf("queues", name, verb));
  if (pausedAt === null)
    return (
      <ConfirmButton
        label="Pause"
        target={`queue ${name}`}
        question={`Pause the queue ${name}?`}
        run={() => doing("pause")}
        done={done}
      >
        Workers start none of its jobs until it is resumed. What runs now goes on; jobs can be enqueued, and wait.
      </ConfirmButton>
    );
  return (
    <ConfirmButton
      label="Resume"
      target={`queue ${name}`}
      question={`Resume the queue ${name}?`}
      run={() => doing("resume")}
      done={done}
    >
      {due === 0
        ? "Nothing waits in it now."
        : `${plural(due, "job")} ${due === 1 ? "is" : "are"} due, and will be started.`}
    </ConfirmButton>
  );
}
