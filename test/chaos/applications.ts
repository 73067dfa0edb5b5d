// The applications of a chaos run: they use the library over drivers of their own while their connections are lost.
// Their database is another one on the same server, since the checks judge every job of the workers' database.
import { setTimeout as sleep } from "node:timers/promises";
import { type Application, applicationDrivers, startApplication } from "../support/applications.ts";
import type { ApplicationLife } from "./history.ts";

/** Their load must leave most of the machine to the workers. */
const pauseMs = 2_000;
/** After the last fault, each kind of call is answered within this time, on a slow machine too. */
const latencyMs = 60_000;

/** Starts one for each driver. @throws Error with what one printed that ended as it started */
export async function startApplications(url: string, mutant: string | undefined): Promise<Application[]> {
  const applications = applicationDrivers.map((driver) => startApplication(url, driver, { pauseMs, mutant }));
  try {
    await Promise.all(applications.map((application) => application.works()));
    return applications;
  } catch (error) {
    killAll(applications);
    throw error;
  }
}

export function killAll(applications: readonly Application[]): void {
  for (const application of applications) void application.stop();
}

/** Waits until each kind of call is answered again, then ends them. */
export function endApplications(applications: readonly Application[]): Promise<ApplicationLife[]> {
  return Promise.all(
    applications.map(async (application) => {
      const { name, calls } = application;
      const before = new Map([...calls].map(([call, { answered }]) => [call, answered]));
      const waited = sleep(latencyMs, undefined, { ref: false });
      // Whether it ended is asked for below.
      await Promise.race([application.works().catch(() => {}), waited]);
      const ended = application.ended();
      const unanswered = [...calls].flatMap(([call, { answered }]) =>
        answered > (before.get(call) ?? 0) ? [] : [call],
      );
      await application.stop();
      const counts = [...calls.values()];
      return {
        name,
        ended,
        unanswered,
        answered: counts.reduce((sum, { answered }) => sum + answered, 0),
        rejected: counts.reduce((sum, { rejected }) => sum + rejected, 0),
      };
    }),
  );
}
