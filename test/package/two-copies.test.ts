// Two copies of the built package in one project, as a monorepo with two versions of Drizzle has them.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { root, run } from "./fresh-project.ts";

// Within the repository, so that the packages beside ours are found; ignored by git.
mkdirSync(join(root, ".out"), { recursive: true });
const project = mkdtempSync(join(root, ".out/two-copies-"));
afterAll(() => rmSync(project, { recursive: true, force: true }));

for (const copy of ["soniq-drizzle", "soniq-drizzle-of-mail"]) {
  for (const part of ["package.json", "dist", "schema"])
    cpSync(join(root, part), join(project, "node_modules", copy, part), { recursive: true });
}

/** Another workspace's package. */
const mail = `
import { drizzle } from "drizzle-orm/postgres-js";
import { createResultListener, createWorker, defineJob, defineSchedule, defineConfig, defineHandler, postgresJs, Discard, DuplicateJobError, type Middleware } from "soniq-drizzle-of-mail";
import { defineEvent } from "soniq-drizzle-of-mail/webhooks";
import * as v from "valibot";

export const sendMail = defineJob({ name: "send-mail", payload: v.object({ to: v.string() }) });
export const sweep = defineJob({ name: "sweep", payload: v.null(), run: (_, job) => job.snooze("1m") });
export const mailSent = defineEvent({ name: "mail.sent", payload: v.object({ to: v.string() }) });
export const handleMail = defineHandler(sendMail, (_, job) => job.discard("no address"));
export const nightly = defineSchedule({ name: "nightly", cron: "@daily", job: sweep, payload: null });
export const timed: Middleware = async (job, next) => { await next(); };
export const database = postgresJs((client) => drizzle({ client }));
export const config = defineConfig({ connection: "postgres://localhost/app", database, jobs: { sendMail }, handlers: { sendMail: handleMail } });
export const worker = createWorker(config);
export const listener = createResultListener("postgres://localhost/app");
export const discarded = new Discard("no address");
export const duplicate: unknown = new DuplicateJobError("send-mail", 1);
`;

const application = `
import { createWorker, defineConfig, defineSchedule, Discard, DuplicateJobError, enqueue, defineHandler, waitFor, type Queryable } from "soniq-drizzle";
import { createMetrics } from "soniq-drizzle/metrics";
import { runJobs } from "soniq-drizzle/testing";
import { publishEvent } from "soniq-drizzle/webhooks";
import * as mail from "./mail.js";

declare const db: Queryable;
export async function useAll(): Promise<void> {
  const sent = await enqueue(db, mail.sendMail, { to: "me" });
  await waitFor(db, mail.sendMail, sent, { listener: mail.listener });
  await publishEvent(db, mail.mailSent, { to: "me" });
  await runJobs(db, mail.config);
}
export const hourly = defineSchedule({ name: "hourly", cron: "@hourly", job: mail.sweep, payload: null });
export const own = defineHandler(mail.sendMail, () => mail.discarded);
createWorker(mail.config);
await createMetrics({ worker: mail.worker }).handler();
createWorker(
  defineConfig({
    connection: "postgres://localhost/app",
    database: mail.database,
    jobs: mail,
    handlers: { sendMail: mail.handleMail },
    schedules: [mail.nightly, hourly],
    middleware: [mail.timed],
  }),
);
const { duplicate, discarded } = mail;
if (!(duplicate instanceof DuplicateJobError) || duplicate.id !== 1) throw new Error("the duplicate is not recognised");
if (!(discarded instanceof Discard)) throw new Error("the directive is not recognised");
`;

const compilerOptions = {
  target: "es2023",
  module: "nodenext",
  types: ["node"],
  strict: true,
  skipLibCheck: true,
  exactOptionalPropertyTypes: true,
  outDir: "out",
};
writeFileSync(join(project, "package.json"), '{ "type": "module" }');
writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
writeFileSync(join(project, "mail.ts"), mail);
writeFileSync(join(project, "application.ts"), application);

test("what one defines, the other one takes: jobs, events, schedules, handlers, middleware, drivers, configurations", async () => {
  const tsc = [process.execPath, join(root, "node_modules/typescript/bin/tsc"), "--pretty", "false"];
  expect(await run(project, tsc)).toEqual({ status: 0, stdout: "", stderr: "" });
});

test("and so it is at run time, errors and directives included", async () => {
  expect(await run(project, [process.execPath, "out/application.js"])).toEqual({ status: 0, stdout: "", stderr: "" });
});
