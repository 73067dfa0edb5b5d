import type { ScheduleView } from "../../wire.js";
import { change, pathOf } from "../api.js";
import { exact } from "../format.js";
import { useFetched } from "../fetched.js";
import { ConfirmButton } from "../parts/confirm-button.js";
import { Empty } from "../parts/empty.js";
import { Icon } from "../parts/icon.js";
import { Loaded } from "../parts/loaded.js";
import { PageHeader } from "../parts/page-header.js";
import { type Column, Table } from "../parts/table.js";
import { Time } from "../parts/time.js";
import { describeTiming } from "../timing.js";
import { href, jobHref } from "../route.js";

const refreshMs = 5_000;

export function SchedulesPage() {
  const schedules = useFetched<readonly ScheduleView[]>("schedules", refreshMs);
  return (
    <>
      <PageHeader title="Schedules" />
      <Loaded of={schedules}>
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
              columns={columnsFor(schedules.reload)}
              keyOf={({ name }) => name}
              classOf={({ orphanedAt }) => (orphanedAt ? "gone" : "")}
            />
          )
        }
      </Loaded>
    </>
  );
}

const columnsFor = (done: () => void): readonly Column<ScheduleView>[] => [
  { title: "Schedule", kind: "wide", of: (schedule) => <Name schedule={schedule} /> },
  { title: "Rhythm", of: (schedule) => <TimingText schedule={schedule} /> },
  {
    title: "Next",
    of: ({ nextTicks, pausedAt, orphanedAt }) => <Next ticks={pausedAt || orphanedAt ? [] : nextTicks} />,
  },
  {
    title: "Last",
    of: ({ lastTickAt, lastJobId }) => (
      <span class="stack">
        <Time at={lastTickAt} />
        {lastJobId !== null && <a href={jobHref(lastJobId)}>#{lastJobId}</a>}
      </span>
    ),
  },
  { title: "Actions", kind: "actions", of: (schedule) => <Actions schedule={schedule} done={done} /> },
];

function Name({ schedule }: { readonly schedule: ScheduleView }) {
  const { name, jobName, pausedAt, orphanedAt } = schedule;
  return (
    <span class="stack">
      <span>
        <b class="strong">
          <bdi>{name}</bdi>
        </b>{" "}
        {pausedAt && (
          <span class="badge paused" title={`Since ${exact(pausedAt)}`}>
            <Icon name="parked" />
            paused
          </span>
        )}
        {orphanedAt && (
          <span class="badge" title={`Since ${exact(orphanedAt)}: no live worker's code defines it`}>
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
  const words = describeTiming(timing);
  return (
    <span class="stack" title={`Missed ticks: ${missed}. Overlaps: ${overlap}.`}>
      <span>{words ?? timing}</span>
      <small>
        {timing.startsWith("every") ? (
          ""
        ) : (
          <>
            {words && <code>{timing}</code>} {timeZone}
          </>
        )}
      </small>
    </span>
  );
}

function Next({ ticks }: { readonly ticks: readonly string[] }) {
  const [first, ...later] = ticks;
  if (first === undefined) return <span class="faint">–</span>;
  return (
    <span class="stack" title={ticks.map(exact).join("\n")}>
      <Time at={first} />
      {later[0] && (
        <small>
          then <Time at={later[0]} />
        </small>
      )}
    </span>
  );
}

function Actions({ schedule, done }: { readonly schedule: ScheduleView; readonly done: () => void }) {
  const { name, jobName, pausedAt, orphanedAt } = schedule;
  const doing = (verb: string) => change(pathOf("schedules", name, verb));
  return (
    <span class="actions">
      {!orphanedAt && (
        <ConfirmButton
          label="Trigger"
          target={`schedule ${name}`}
          question={`Trigger ${name} now?`}
          run={() => doing("trigger")}
          done={done}
        >
          Enqueues {jobName} once, beside its ticks.
        </ConfirmButton>
      )}
      {pausedAt ? (
        <ConfirmButton
          label="Resume"
          target={`schedule ${name}`}
          question={`Resume ${name}?`}
          run={() => doing("resume")}
          done={done}
        >
          Its next tick is enqueued again.
        </ConfirmButton>
      ) : (
        <ConfirmButton
          label="Pause"
          target={`schedule ${name}`}
          question={`Pause ${name}?`}
          run={() => doing("pause")}
          done={done}
        >
          Its ticks pass without a job, until it is resumed.
        </ConfirmButton>
      )}
    </span>
  );
}
