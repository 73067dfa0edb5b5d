import { crashloops } from "./crashloops.ts";
import { deadlocks } from "./deadlocks.ts";
import { diskfull } from "./diskfull.ts";
import { failover } from "./failover.ts";
import { large } from "./large.ts";
import { outage } from "./outage.ts";
import { overclaim } from "./overclaim.ts";
import { type Scenario, scratchDatabase } from "./scenario.ts";
import { sigterm } from "./sigterm.ts";

/** The long forms of single faults, by name. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  crashloops,
  deadlocks,
  diskfull,
  failover,
  large,
  outage,
  overclaim,
  async sigterm({ url, seed }) {
    const database = await scratchDatabase(url);
    try {
      return await sigterm({ url: database.url, seed });
    } finally {
      await database.drop();
    }
  },
};
