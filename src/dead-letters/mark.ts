import { sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";

/** When a job died, as a text: a Date would lose its microseconds, and a session's time zone would make it another text. */
export const finishedAtText = sql<string>`to_char(${soniqJobs.finishedAt} at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00')`;
