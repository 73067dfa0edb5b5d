// Uniqueness: what does not go together does not compile.
import * as v from "valibot";
import { defineJob, type UniqueSettings } from "../../src/index.ts";

const payload = v.object({
  id: v.number(),
  title: v.optional(v.string()),
  at: v.pipe(
    v.string(),
    v.transform((text) => new Date(text)),
  ),
});

// What makes two jobs the same: properties of what is enqueued, or a text made of it.
defineJob({ name: "properties", payload, unique: { by: ["id", "title", "at"] } });
defineJob({ name: "all the same", payload, unique: { by: [] } });
defineJob({ name: "made", payload, unique: { by: ({ id, at }) => (id > 0 ? `${id} ${at.length}` : null) } });
defineJob({ name: "no object", payload: v.string(), unique: { by: (text) => text.trim() } });
defineJob({ name: "no object", payload: v.null(), unique: { by: [] } });
defineJob({ name: "anything", payload: v.any(), unique: { by: ["whatever"] } });
const either = v.variant("from", [
  v.object({ from: v.literal("disk") }),
  v.object({ from: v.literal("web"), url: v.string() }),
]);
defineJob({ name: "of some", payload: either, unique: { by: ["from", "url"] } });

// @ts-expect-error a property that the payload does not have
defineJob({ name: "bad", payload, unique: { by: ["ID"] } });
// @ts-expect-error a property that the payload does not have
defineJob({ name: "bad", payload, unique: { by: ({ key }) => key } });
// @ts-expect-error one property where a list is asked
defineJob({ name: "bad", payload, unique: { by: "id" } });
// @ts-expect-error a number for a key
defineJob({ name: "bad", payload, unique: { by: ({ id }) => id } });
// @ts-expect-error a key that may be missing: null says that it is
defineJob({ name: "bad", payload, unique: { by: ({ title }) => title } });
// @ts-expect-error a text has no properties to tell jobs apart by
defineJob({ name: "bad", payload: v.string(), unique: { by: ["length"] } });
// @ts-expect-error nor has a list
defineJob({ name: "bad", payload: v.array(v.string()), unique: { by: ["length"] } });
// @ts-expect-error what the jobs have in common is missing
defineJob({ name: "bad", payload, unique: { until: "finished" } });

// What goes together.
const by = ["id"] as const;
defineJob({ name: "all", payload, unique: { by, until: "finished", within: "1h", onConflict: "keep" } });
defineJob({ name: "error", payload, unique: { by, until: "started", within: 60_000, onConflict: "error" } });
defineJob({ name: "throttled", payload, unique: { by, within: "1m" } });
defineJob({ name: "latest", payload, unique: { by, until: "started", onConflict: "replace" } });
defineJob({ name: "debounced", payload, unique: { by, onConflict: "reschedule", maxWait: "1m" } });
const settings: UniqueSettings<{ id: number }> = { by, onConflict: "reschedule" };
defineJob({ name: "said elsewhere", payload: v.object({ id: v.number() }), unique: settings });

// What does not.
// @ts-expect-error only "reschedule" puts a job off, so only that has a limit
defineJob({ name: "bad", payload, unique: { by, maxWait: "1m" } });
// @ts-expect-error likewise
defineJob({ name: "bad", payload, unique: { by, onConflict: "replace", maxWait: "1m" } });
// @ts-expect-error likewise
defineJob({ name: "bad", payload, unique: { by, onConflict: "error", maxWait: "1m" } });
// @ts-expect-error within the window the job may have finished: then there is nothing to replace
defineJob({ name: "bad", payload, unique: { by, onConflict: "replace", within: "1m" } });
// @ts-expect-error likewise
defineJob({ name: "bad", payload, unique: { by, onConflict: "reschedule", within: "1m" } });
// @ts-expect-error a job that runs cannot be replaced, so it does not hold the key
defineJob({ name: "bad", payload, unique: { by, onConflict: "replace", until: "finished" } });
// @ts-expect-error likewise
defineJob({ name: "bad", payload, unique: { by, onConflict: "reschedule", until: "finished" } });
// @ts-expect-error a word that is none
defineJob({ name: "bad", payload, unique: { by, onConflict: "ignore" } });
// @ts-expect-error a word that is none
defineJob({ name: "bad", payload, unique: { by, until: "completed" } });
// @ts-expect-error a unit that does not exist
defineJob({ name: "bad", payload, unique: { by, within: "1 hour" } });
// @ts-expect-error a typo
defineJob({ name: "bad", payload, unique: { by, untill: "started" } });
