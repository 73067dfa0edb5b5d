import { bullmq } from "./bullmq.ts";
import { floor } from "./floor.ts";
import { graphileWorker } from "./graphile-worker.ts";
import { pgBoss } from "./pg-boss.ts";
import { soniqDrizzle } from "./soniq-drizzle.ts";
import type { System } from "./system.ts";

export const peers: readonly System[] = [graphileWorker, pgBoss, bullmq];
export const systems: readonly System[] = [soniqDrizzle, ...peers, floor];

export function systemCalled(name: string): System {
  const system = systems.find((one) => one.name === name);
  if (!system) throw new Error(`there is no system ${name}: there are ${systems.map((one) => one.name).join(", ")}`);
  return system;
}
