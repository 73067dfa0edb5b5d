// `soniq-drizzle jobs`: what people and programs see of jobs, and how it ends where there is nothing to see.
import { spawnSync } from "node:child_process";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { defineJob, enqueue, enqueueMany, type EnqueueOptions, getJob } from "../../src/index.ts";
import { soniq } from "../support/command-line.ts";
import { testDatabase } from "../support/database.ts";
import { soniqArguments } from "../support/programs.ts";

const { db, url, sql } = await testDatabase();

const mail = defineJob({ name: "mail", queue: "mail", payload: v.object({ to: v.string() }) });

/** @returns the ids of as many jobs */
async function mails(to: readonly string[], options: EnqueueOptions = {}): Promise<[number, number, number]> {
  const enqueued = await enqueueMany(
    db,
    mail,
    to.map((one) => ({ to: one })),
    options,
  );
  return enqueued.map(({ id }) => id) as [number, number, number];
}

function jobs(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const environment = { ...process.env, DATABASE_URL: url, LEASE: "20s", DRAIN_TIMEOUT: "1s" };
  return spawnSync(process.execPath, soniqArguments(["jobs", ...args]), { encoding: "utf8", env: environment });
}

const json = (...args: string[]) => JSON.parse(jobs(...args, "--json").stdout) as Record<string, unknown>;

describe("jobs list", () => {
  test("is a table, newest first, that says where to go on", async () => {
    const [first, second, third] = await enqueueMany(db, mail, [{ to: "a" }, { to: "b" }, { to: "c" }], {
      tags: ["\u001b[31mred\n"],
    });
    const { status, stdout, stderr } = jobs("list", "--limit", "2");
    expect(status).toBe(0);
    const [titles, ...lines] = stdout.trimEnd().split("\n");
    expect(titles).toMatch(/^ID +STATE +JOB +QUEUE +ATTEMPTS +CREATED +WHEN +TAGS +REASON$/);
    expect(lines[0]).toMatch(
      new RegExp(`^${third?.id} +queued +mail +mail +0/10 +2\\S+ \\S+ +due 2\\S+ \\S+ +red +–$`),
    );
    expect(lines[1]).toMatch(new RegExp(`^${second?.id} `));
    expect(stderr).toBe(`There may be more: --cursor "${second?.id}"\n`);
    expect(json("list", "--cursor", String(second?.id))).toMatchObject({ jobs: [{ id: first?.id }], next: null });
  });

  test("shows what fits its filters, and says scheduled of what is due later", async () => {
    const { id } = await enqueue(db, mail, { to: "d" }, { delay: "1h", queue: "later", tags: ["vip"] });
    const fits = ["--queue", "later", "--name", "mail", "--tag", "vip", "--state", "queued"];
    expect(jobs("list", ...fits).stdout).toMatch(new RegExp(`^${id} +scheduled `, "m"));
    expect(json("list", ...fits)).toMatchObject({ jobs: [{ id, state: "queued", tags: ["vip"] }] });
    expect(json("list", ...fits, "--state", "dead")).toEqual({ jobs: [], next: null });
  });

  test("says parked of what is due at no time", async () => {
    const [row] = await sql<{ id: number }[]>`
      insert into soniq_jobs (name, payload, run_at) values ('parked', '{}', 'infinity') returning id::int`;
    expect(jobs("list", "--name", "parked").stdout).toMatch(new RegExp(`^${row?.id} +parked +parked +.* +– +`, "m"));
    expect(json("show", String(row?.id))).toMatchObject({ state: "queued", runAt: null });
    expect(jobs("show", String(row?.id)).stdout).toMatch(/^runAt +–$/m);
  });

  test("looks on where the newest ten thousand do not fit", async () => {
    await sql`insert into soniq_jobs (name, payload) values ('needle', '{}')`;
    await sql`insert into soniq_jobs (name, payload, state) select 'hay', '{}', 'completed' from generate_series(1, 12000)`;
    expect(json("list", "--name", "needle")).toMatchObject({ jobs: [{ name: "needle" }], next: null });
  });

  test("ends well when whoever reads it has seen enough", async () => {
    await sql`insert into soniq_jobs (name, queue, payload) select repeat('long ', 40), 'long', '{}' from generate_series(1, 1000)`;
    const { status, stderr } = await soniq(url, ["jobs", "list", "--queue", "long", "--limit", "1000"], 10_000);
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringMatching(/^(There may be more: .*\n)?$/) });
  });

  test.each([
    [["--state", "scheduled"], "Allowed choices are queued, active, completed, cancelled, dead"],
    [["--limit", "0"], "give a whole number from 1"],
    [["--limit", "5000"], "limit is 5000: give a whole number from 1 to 1000"],
    [["--cursor", "x"], "give the `next` of another page"],
  ])("%s is refused with status 2", (args, sentence) => {
    expect(jobs("list", ...args)).toMatchObject({ status: 2, stderr: expect.stringContaining(sentence) });
  });
});

describe("jobs show", () => {
  test("shows all that is known of a job", async () => {
    const { id } = await enqueue(db, mail, { to: "e" }, { meta: { trace: "t" } });
    await sql`update soniq_jobs set progress = '{"done": 1}', errors = '[{"name": "Error", "message": "no"}]' where id = ${id}`;
    const { status, stdout } = jobs("show", String(id));
    expect(status).toBe(0);
    expect(stdout).toMatch(/^payload +\{"to":"e"\}$/m);
    expect(stdout).toMatch(/^progress +\{"done":1\}$/m);
    expect(stdout).toMatch(/^meta +\{"trace":"t"\}$/m);
    expect(stdout).toMatch(/^errors:\n {2}\{"name":"Error","message":"no"\}$/m);
    const job = await getJob(db, id);
    expect(json("show", String(id))).toEqual(JSON.parse(JSON.stringify(job)));
  });

  test("of a job that is not there ends with status 1", () => {
    expect(jobs("show", "999999999")).toMatchObject({
      status: 1,
      stdout: "",
      stderr: "soniq-drizzle: there is no job #999999999: it never existed or was deleted\n",
    });
  });
});

describe("jobs cancel", () => {
  test("cancels a job that is queued, with the reason", async () => {
    const { id } = await enqueue(db, mail, { to: "f" });
    expect(jobs("cancel", String(id), "--reason", "a typo")).toMatchObject({
      status: 0,
      stdout: `job #${id} is cancelled\n`,
    });
    expect(await getJob(db, id)).toMatchObject({ state: "cancelled", reason: "a typo" });
    expect(jobs("cancel", String(id))).toMatchObject({
      status: 1,
      stderr: `job #${id} does not exist, or has finished\n`,
    });
  });

  test("asks one that runs to stop", async () => {
    const { id } = await enqueue(db, mail, { to: "g" });
    await sql`update soniq_jobs set state = 'active', worker_id = gen_random_uuid() where id = ${id}`;
    expect(json("cancel", String(id))).toEqual([{ id, answer: "requested", done: true }]);
  });
});

describe("jobs retry", () => {
  test("has a dead job begin anew, one that waits for later run now, and says what it could not do", async () => {
    const [dead, later, runs] = await mails(["h", "i", "j"], { delay: "1h" });
    await sql`update soniq_jobs set state = 'dead', finished_at = now(), attempt = 10, claims = 10 where id = ${dead}`;
    await sql`update soniq_jobs set state = 'active', worker_id = gen_random_uuid() where id = ${runs}`;
    const ids = [dead, later, runs].map(String);
    expect(jobs("retry", ...ids, "--yes")).toEqual(
      expect.objectContaining({
        status: 1,
        stdout: `job #${dead} is queued again, with all its attempts\njob #${later} is due now\n`,
        stderr: `job #${runs} is already running\n`,
      }),
    );
    expect(await getJob(db, dead)).toMatchObject({ state: "queued", attempt: 0, manualRetries: 1 });
    expect((await getJob(db, later))?.runAt?.getTime()).toBeLessThanOrEqual(Date.now());
  });

  test("tells programs what became of each", async () => {
    const { id } = await enqueue(db, mail, { to: "k" }, { delay: "1h", uniqueKey: "k" });
    await sql`update soniq_jobs set state = 'dead', finished_at = now(), unique_held = false where id = ${id}`;
    await enqueue(db, mail, { to: "k" }, { delay: "1h", uniqueKey: "k" });
    expect(json("retry", String(id), "999999999", "--yes")).toEqual([
      { id, answer: "key-held", done: false },
      { id: 999_999_999, answer: "not found", done: false },
    ]);
  });

  test("shows what there is of several, and does nothing, where nobody can be asked", async () => {
    const [first, second] = await mails(["l", "m"], { delay: "1h" });
    const { status, stdout, stderr } = jobs("retry", String(first), String(second), "999999999");
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain(`#${first} mail · mail · scheduled\n#${second} mail · mail · scheduled\n`);
    expect(stderr).toContain("#999999999 does not exist\nsoniq-drizzle: --yes is missing");
    expect((await getJob(db, first))?.runAt?.getTime()).toBeGreaterThan(Date.now());
  });

  test.each([[["retry"]], [["retry", "x"]], [["retry", "0"]], [["retry", "1", "--reason", "no"]]])(
    "%s is refused with status 2",
    (args) => {
      expect(jobs(...args)).toMatchObject({ status: 2, stdout: "" });
    },
  );
});

describe("jobs discard", () => {
  test("makes a job that waits a dead letter, with the reason, and leaves one that runs", async () => {
    const [waits, runs] = await mails(["n", "o"]);
    await sql`update soniq_jobs set state = 'active', worker_id = gen_random_uuid() where id = ${runs}`;
    expect(jobs("discard", String(waits), "--reason", "a typo")).toMatchObject({
      status: 0,
      stdout: `job #${waits} is a dead letter\n`,
    });
    expect(await getJob(db, waits)).toMatchObject({ state: "dead", reason: "discarded: a typo" });
    expect(jobs("discard", String(runs))).toMatchObject({
      status: 1,
      stderr: `job #${runs} is running: cancel it instead\n`,
    });
    expect(await getJob(db, runs)).toMatchObject({ state: "active" });
  });
});
