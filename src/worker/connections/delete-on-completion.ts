import { isReferenced } from "../../jobs/settle/delete-completed.js";
import type { Connections } from "./connections.js";
import type { Settings } from "../settings/settings.js";

/**
 * Returns the names of the jobs that are deleted on completion: those with a retention of 0. Empty behind a pooler, and if a foreign key
 * references the job table.
 */
export async function findJobsDeletedOnCompletion(
  { runnables }: Settings,
  { route, engine }: Connections,
): Promise<ReadonlySet<string>> {
  const deletedOnCompletion = [...runnables].filter(([, { retentionMs }]) => retentionMs.completed === 0);
  const canDelete = deletedOnCompletion.length > 0 && route === "direct" && !(await isReferenced(engine.db));
  return new Set(canDelete ? deletedOnCompletion.map(([name]) => name) : []);
}
