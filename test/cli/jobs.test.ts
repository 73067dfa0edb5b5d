// `soniq-drizzle jobs`: what people and programs see of jobs, and how it ends where there is nothing to see.
import { spawnSync } from "node:child_process";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { defineJob, enqueue, enqueueMany, getJob } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";

const { db, url, sql } = await testDatabase();

const mail = defineJob({ name: "mail", queue: "mail", payload: v.object({ to: v.string() }) });

function jobs(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const command = ["--import", "tsx", "src/cli/main.ts", "jobs", ...args];
  const config = ["--config", "test/support/child.config.ts"];
  const environment = { ...process.env, DATABASE_URL: url, LEASE: "20s", DRAIN_TIMEOUT: "1s" };
  return spawnSync(process.execPath, [...command, ...config], { encoding: "utf8", env: environment });
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
    expect(titles).toMatch(/^ID +STATE +JOB +QUEUE +ATTEMPTS +CREATED +DUE, BEGUN OR FINISHED +TAGS +REASON$/);
    expect(lines[0]).toMatch(new RegExp(`^${third?.id} +queued +mail +mail +0/10 +2\\S+Z +2\\S+Z +red +–$`));
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
    expect(jobs("list", "--name", "parked").stdout).toMatch(new RegExp(`^${row?.id} +parked +parked +.*Z +– +`, "m"));
    expect(json("show", String(row?.id))).toMatchObject({ state: "queued", runAt: null });
    expect(jobs("show", String(row?.id)).stdout).toMatch(/^runAt +–$/m);
  });

  test("looks on where the newest ten thousand do not fit", async () => {
    await sql`insert into soniq_jobs (name, payload) values ('needle', '{}')`;
    await sql`insert into soniq_jobs (name, payload, state) select 'hay', '{}', 'completed' from generate_series(1, 12000)`;
    expect(json("list", "--name", "needle")).toMatchObject({ jobs: [{ name: "needle" }], next: null });
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
      stderr: "soniq-drizzle: there is no job #999999999, or no longer\n",
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
      stderr: `soniq-drizzle: there is no job #${id}, or it has finished\n`,
    });
  });

  test("asks one that runs to stop", async () => {
    const { id } = await enqueue(db, mail, { to: "g" });
    await sql`update soniq_jobs set state = 'active', worker_id = gen_random_uuid() where id = ${id}`;
    expect(json("cancel", String(id))).toEqual({ id, state: "requested" });
  });
});
