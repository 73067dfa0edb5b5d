import type { ScheduleView } from "../../wire.js";
import { postAction, buildActionPath } from "../api.js";
import { formatDateTime } from "../format.js";
import { useFetch } from "../use-fetch.js";
import { ConfirmButton } from "../parts/confirm-button.js";
import { Empty } from "../parts/empty.js";
import { Icon } from "../parts/icon.js";
import { Loader } from "../parts/loader.js";
import { PageHeader } from "../parts/page-header.js";
import { type Column, Table } from "../parts/table.js";
import { Time } from "../parts/time.js";
import { describeTiming } from "../timing.js";
import { href, jobHref } from "../route.js";

const refreshMs = 5_000;

export function SchedulesPage() {
  const schedules = useFetch<readonly ScheduleView[]>("schedules", refreshMs);
  return (
    <>
      <PageHeader title="Schedules" />
      <Loader state={schedules}>
        {(data) =>
          data.length === 0 ? (
            <Empty title="No schedules">
              Define one in the worker's configuration:{" "}
              <code>{'defineSchedule({ name: "nightly", cron: "0 2 * * *", job: report })'}</code>
            </Empty>
          ) : (
            <Table
              label="Schedules"
              rows={data}
              columns={buildColumns(schedules.reload)}
              keyOf={({ name }) => name}
              classOf={({ orphanedAt }) => (orphanedAt ? "dimmed" : "")}
            />
          )
        }
      </Loader>
    </>
  );
}

const buildColumns = (onDone: () => void): readonly Column<ScheduleView>[] => [
  { title: "Schedule", kind: "wide", render: (schedule) => <ScheduleName schedule={schedule} /> },
  { title: "Timing", render: (schedule) => <TimingText schedule={schedule} /> },
  {
    title: "Next",
    render: ({ nextTicks, pausedAt, orphanedAt }) => <NextTicks ticks={pausedAt || orphanedAt ? [] : nextTicks} />,
  },
  {
    title: "Last",
    render: ({ lastTickAt, lastJobId }) => (
      <span class="stack">
        <Time at={lastTickAt} />
        {lastJobId !== null && <a href={jobHref(lastJobId)}>#{lastJobId}</a>}
      </span>
    ),
  },
  { title: "Actions", kind: "actions", render: (schedule) => <ScheduleActions schedule={schedule} onDone={onDone} /> },
];

function ScheduleName({ schedule }: { readonly schedule: ScheduleView }) {
  const { name, jobName, pausedAt, orphanedAt } = schedule;
  return (
    <span class="stack">
      <span>
        <b class="strong">
          <bdi>{name}</bdi>
        </b>{" "}
        {pausedAt && (
          <span class="badge paused" title={`Since ${formatDateTime(pausedAt)}`}>
            <Icon name="parked" />
            paused
          </span>
        )}
        {orphanedAt && (
          <span class="badge" title={`Since ${formatDateTime(orphanedAt)}: no live worker defines it`}>
            orphaned
          </span>
        )}
      </span>
      <small>
        enqueues{" "}
        <a href={href("jobs", { name: jobName })}>
          <bdi>{jobName}</bdi>
        </a>
      </small>
    </span>
  );
}

function TimingText({ schedule: { timing, timeZone, missed, overlap } }: { readonly schedule: ScheduleView }) {
  const description = describeTiming(timing);
  return (
    <span class="stack" title={`Missed ticks: ${missed}. Overlaps: ${overlap}.`}>
      <span>{description ?? timing}</span>
      <small>
        {timing.startsWith("every") ? (
          ""
        ) : (
          <>
            {description && <code>{timing}</code>} {timeZone}
          </>
        )}
      </small>
    </span>
  );
}

function NextTicks({ ticks }: { readonly ticks: readonly string[] }) {
  const [first, second] = ticks;
  if (first === undefined) return <span class="faint">–</span>;
  return (
    <span class="stack" title={ticks.map(formatDateTime).join("\n")}>
      <Time at={first} />
      {second && (
        <small>
          then <Time at={second} />
        </small>
      )}
    </span>
  );
}

function ScheduleActions({ schedule, onDone }: { readonly schedule: ScheduleView; readonly onDone: () => void }) {
  const { name, jobName, pausedAt, orphanedAt } = schedule;
  const post = (action: string) => postAction(buildActionPath("schedules", name, action));
  return (
    <span class="actions">
      {!orphanedAt && (
        <ConfirmButton
          label="Trigger"
          target={`schedule ${name}`}
          question={`Trigger ${name} now?`}
          run={() => post("trigger")}
          onDone={onDone}
        >
          Enqueues {jobName} once, in addition to the scheduled ticks.
        </ConfirmButton>
      )}
      {pausedAt ? (
        <ConfirmButton
          label="Resume"
          target={`schedule ${name}`}
          question={`Resume ${name}?`}
          run={() => post("resume")}
          onDone={onDone}
        >
          The schedule enqueues a job at its next tick.
        </ConfirmButton>
      ) : (
        <ConfirmButton
          label="Pause"
          target={`schedule ${name}`}
          question={`Pause ${name}?`}
          run={() => post("pause")}
          onDone={onDone}
        >
          The schedule enqueues no jobs until you resume it.
        </ConfirmButton>
      )}
    </span>
  );
}
