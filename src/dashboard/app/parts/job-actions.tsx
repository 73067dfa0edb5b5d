import type { JobAction, JobView } from "../../wire.js";
import { change } from "../api.js";
import { ConfirmButton } from "./confirm-button.js";

interface Wording {
  readonly label: string;
  readonly question: (job: string) => string;
  readonly means: string;
  readonly danger?: boolean;
}

const wordings: Readonly<Record<JobAction, Wording>> = {
  retry: {
    label: "Retry",
    question: (job) => `Retry ${job}?`,
    means: "It is queued again now, with all its attempts.",
  },
  "run-now": {
    label: "Run now",
    question: (job) => `Run ${job} now?`,
    means: "It is due at once, instead of later.",
  },
  cancel: {
    label: "Cancel",
    question: (job) => `Cancel ${job}?`,
    means: "If it waits, it never runs. If it runs, its signal is aborted, and it ends when its handler does.",
    danger: true,
  },
  discard: {
    label: "Discard",
    question: (job) => `Discard ${job}?`,
    means: "It is given up, and becomes a dead letter, which can be retried later.",
    danger: true,
  },
};

/** What may be done with a job now. */
export function JobActions({ job, done }: { readonly job: JobView; readonly done: () => void }) {
  return (
    <>
      {job.actions.map((action) => {
        const { label, question, means, danger = false } = wordings[action];
        return (
          <ConfirmButton
            key={action}
            label={label}
            danger={danger}
            question={question(`${job.name} #${job.id}`)}
            run={() => change(`jobs/${job.id}/${action}`)}
            done={done}
          >
            {means}
          </ConfirmButton>
        );
      })}
    </>
  );
}
