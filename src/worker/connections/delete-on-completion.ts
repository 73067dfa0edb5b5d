import { isReferenced } from "../../jobs/settle/delete-completed.js";
import type { Connections } from "./connections.js";
import type { Settings } from "../settings/settings.js";

/** The names of the jobs that are deleted as they complete, where that can be. */
export async function findDeletedOnCompletion(
  { runnables }: Settings,
  { route, engine }: Connections,
): Promise<ReadonlySet<string>> {
  const deletedOnCompletion = [...runnables].filter(([, { retentionMs }]) => retentionMs.completed === 0);
  const deletes = deletedOnCompletion.length > 0 && route === "direct" && !(await isReferenced(engine.db));
  return new Set(deletes ? deletedOnCompletion.map(([name]) => name) : []);
}
