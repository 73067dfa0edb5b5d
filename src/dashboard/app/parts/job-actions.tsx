import type { JobAction, JobView } from "../../wire.js";
import { postAction } from "../api.js";
import { ConfirmButton } from "./confirm-button.js";

interface Wording {
  readonly label: string;
  readonly question: (job: string) => string;
  readonly consequence: string;
  readonly danger?: boolean;
}

const wordings: Readonly<Record<JobAction, Wording>> = {
  retry: {
    label: "Retry",
    question: (job) => `Retry ${job}?`,
    consequence: "The job is queued again now, with all its attempts.",
  },
  "run-now": {
    label: "Run now",
    question: (job) => `Run ${job} now?`,
    consequence: "The job becomes due now.",
  },
  cancel: {
    label: "Cancel",
    question: (job) => `Cancel ${job}?`,
    consequence:
      "A waiting job never runs. For a running job, the signal is aborted, and the job ends when its handler returns.",
    danger: true,
  },
  discard: {
    label: "Discard",
    question: (job) => `Discard ${job}?`,
    consequence: "The job becomes a dead letter. You can retry it later.",
    danger: true,
  },
};

/** Buttons for the actions that the job's state allows. */
export function JobActions({ job, onDone }: { readonly job: JobView; readonly onDone: () => void }) {
  return (
    <>
      {job.actions.map((action) => {
        const { label, question, consequence, danger = false } = wordings[action];
        return (
          <ConfirmButton
            key={action}
            label={label}
            danger={danger}
            question={question(`${job.name} #${job.id}`)}
            run={() => postAction(`jobs/${job.id}/${action}`)}
            onDone={onDone}
          >
            {consequence}
          </ConfirmButton>
        );
      })}
    </>
  );
}
