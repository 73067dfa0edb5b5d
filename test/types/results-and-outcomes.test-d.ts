// What handlers receive and return: the validators' types, or one of the outcomes that every handler may choose.
import * as v from "valibot";
import { z } from "zod";
import {
  defineJob,
  Discard,
  defineHandler,
  type Handler,
  type JobContext,
  type ResultInput,
  type ResultOf,
  RetryAfter,
} from "../../src/index.ts";
import { equal } from "./equal.ts";
import { countRows, greet, refresh, sendInvoice, sweep } from "./jobs.ts";

// A handler returns what the result's validator takes; who reads the result gets what that makes of it.
equal<ResultInput<typeof sendInvoice>, { messageId: string }>(true);
equal<ResultOf<typeof sendInvoice>, { messageId: string }>(true);
equal<ResultInput<typeof countRows>, string>(true);
equal<ResultOf<typeof countRows>, number>(true);
equal<ResultOf<typeof greet>, void>(true);
equal<ResultInput<typeof refresh>, { etag: string }>(true);

// A handler receives what the payload's validator makes of what was enqueued.
const send = defineHandler(sendInvoice, async (payload, job) => {
  equal<typeof payload.dueAt, Date | undefined>(true);
  equal<typeof payload.orderId, number>(true);
  equal<typeof job, JobContext>(true);
  equal<typeof job.signal, AbortSignal>(true);
  equal<typeof job.id, number>(true);
  return { messageId: "1" };
});
equal<typeof send extends Handler<typeof sendInvoice> ? true : false, true>(true);
defineHandler(countRows, (path) => {
  equal<typeof path, string>(true);
  return "7";
});
defineHandler(greet, () => {});
defineHandler(greet, async () => {});

// @ts-expect-error a result that does not fit
defineHandler(sendInvoice, async () => ({ messageId: 1 }));
// @ts-expect-error no result
defineHandler(sendInvoice, async () => {});
// @ts-expect-error the result validator's output, which is not what is stored
defineHandler(countRows, () => 7);
// @ts-expect-error a result where none is defined
defineHandler(greet, async () => ({ greeted: true }));
// @ts-expect-error a payload of another type
defineHandler(greet, async (payload: { id: string }) => void payload);
// @ts-expect-error a property that the payload does not have
defineHandler(greet, async ({ orderId }) => void orderId);

// Whatever the result's type, a handler may end otherwise.
defineHandler(sendInvoice, async ({ orderId }, job) => {
  if (orderId === 1) return job.snooze("5m");
  if (orderId === 2) return job.cancel("the order was withdrawn");
  if (orderId === 3) return job.discard("there is no such order");
  if (orderId === 4) throw new RetryAfter("1h");
  if (orderId === 5) return new Discard("there is no such order");
  return { messageId: "1" };
});
defineHandler(countRows, (path, job) => (path === "" ? job.discard("no path") : "7"));
defineHandler(greet, (_payload, job) => job.snooze(1_000));
defineHandler(greet, async ({ id }, job) => {
  if (id === 1) return job.cancel("nobody home");
});
// @ts-expect-error an error must be thrown
defineHandler(sendInvoice, async () => new Error("no such order"));
// @ts-expect-error a unit that does not exist
defineHandler(greet, (_payload, job) => job.snooze("5 minutes"));
// @ts-expect-error no reason
defineHandler(greet, (_payload, job) => job.discard());

// `run` in a definition is typed as a handler is.
equal<Parameters<typeof refresh.run>[0], { page: number }>(true);
defineJob({
  name: "good",
  payload: z.object({ at: z.string().transform((text) => new Date(text)) }),
  result: v.number(),
  run({ at }, job) {
    equal<typeof at, Date>(true);
    return job.attempt > 3 ? job.discard("too often") : at.getTime();
  },
});
defineJob({ name: "good", payload: v.number(), run: (n) => void n.toFixed() });
defineHandler(sweep, () => {});
// @ts-expect-error a result that does not fit
defineJob({ name: "bad", payload: v.string(), result: v.number(), run: async (text) => text });
// @ts-expect-error a result where none is defined
defineJob({ name: "bad", payload: v.string(), run: async (text) => text });
// @ts-expect-error a property that the payload does not have
defineJob({ name: "bad", payload: v.object({ a: v.string() }), run: async ({ b }) => void b });
