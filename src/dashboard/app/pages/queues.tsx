import type { QueueView } from "../../wire.js";
import { postAction, buildActionPath } from "../api.js";
import { pluralize } from "../format.js";
import { useFetch } from "../use-fetch.js";
import { ConfirmButton } from "../parts/confirm-button.js";
import { Loader } from "../parts/loader.js";
import { PageHeader } from "../parts/page-header.js";
import { QueueTable } from "../parts/queue-table.js";

const refreshMs = 2_000;

export function QueuesPage() {
  const queues = useFetch<readonly QueueView[]>("queues", refreshMs);
  return (
    <>
      <PageHeader title="Queues" />
      <Loader state={queues}>
        {(data) => (
          <QueueTable queues={data} actions={(queue) => <PauseOrResume queue={queue} onDone={queues.reload} />} />
        )}
      </Loader>
    </>
  );
}

interface PauseOrResumeProps {
  readonly queue: QueueView;
  readonly onDone: () => void;
}

function PauseOrResume({ queue, onDone }: PauseOrResumeProps) {
  const { name, due, pausedAt } = queue;
  const post = (action: string) => postAction(buildActionPath("queues", name, action));
  if (pausedAt === null)
    return (
      <ConfirmButton
        label="Pause"
        target={`queue ${name}`}
        question={`Pause the queue ${name}?`}
        run={() => post("pause")}
        onDone={onDone}
      >
        Workers start none of its jobs until you resume it. Running jobs finish. New jobs can be enqueued and wait.
      </ConfirmButton>
    );
  return (
    <ConfirmButton
      label="Resume"
      target={`queue ${name}`}
      question={`Resume the queue ${name}?`}
      run={() => post("resume")}
      onDone={onDone}
    >
      {due === 0
        ? "None of its jobs is due now."
        : `Workers start its jobs again. ${pluralize(due, "job")} ${due === 1 ? "is" : "are"} due now.`}
    </ConfirmButton>
  );
}
