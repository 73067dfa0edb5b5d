// What an application's jobs.ts looks like: definitions, and other things that it exports beside them.
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";
import { defineJob, defineSchedule } from "../../src/index.ts";
import { defineEvent } from "../../src/webhooks.ts";

export const sendInvoice = defineJob({
  name: "send-invoice",
  payload: v.object({
    orderId: v.number(),
    cc: v.optional(v.array(v.string())),
    dueAt: v.optional(
      v.pipe(
        v.string(),
        v.isoTimestamp(),
        v.transform((text) => new Date(text)),
      ),
    ),
  }),
  result: v.object({ messageId: v.string() }),
  queue: "mail",
  timeout: "2m",
  unique: { by: ["orderId"] },
});

export const importFile = defineJob({
  name: "import-file",
  payload: z.object({
    at: z.string().transform((text) => new Date(text)),
    rows: z.number().default(1),
    kind: z.enum(["csv", "xml"]),
    columns: z.record(z.string(), z.number()),
    range: z.tuple([z.string(), z.number()]),
    source: z.discriminatedUnion("from", [
      z.object({ from: z.literal("disk") }),
      z.object({ from: z.literal("web"), port: z.number() }),
    ]),
  }),
});

export const greet = defineJob({ name: "greet", payload: type({ id: "number", "name?": "string" }) });

/** Read as text, stored as it is: its input and output are different types. */
export const countRows = defineJob({
  name: "count-rows",
  payload: v.string(),
  result: v.pipe(v.string(), v.transform(Number)),
});

export const refresh = defineJob({
  name: "refresh",
  payload: v.object({ page: v.number() }),
  result: v.object({ etag: v.string() }),
  run: async ({ page }, job) => (page > 0 ? { etag: `v${page}` } : job.discard("there is no such page")),
});

export const sweep = defineJob({
  name: "sweep",
  payload: v.null(),
  async run(_payload, job) {
    if (job.attempt === 1) return job.snooze("1m");
  },
});

export const orderPaid = defineEvent({ name: "order.paid", payload: v.object({ orderId: v.number() }) });
export const nightly = defineSchedule({ name: "nightly", cron: "@daily", job: sweep, payload: null });

export const vacancy = { kind: "job", name: "engineer", payload: 3 };
export const defaultQueue = "mail";
export const limits = { name: "limits", payload: 3, run: () => {} };
export function isWeekend(day: number): boolean {
  return day % 6 === 0;
}
export class Clock {
  readonly start = Date.now();
}
