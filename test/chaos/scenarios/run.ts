// One scenario alone: npx tsx test/chaos/scenarios/run.ts overclaim [seed]
import { startEmbeddedPostgres } from "../../support/embedded-postgres.ts";
import type { Findings, Surroundings } from "./scenario.ts";

const [name = "", seed = String(Date.now() % 1_000_000)] = process.argv.slice(2);
const { [name]: scenario } = (await import(`./${name}.ts`)) as Record<
  string,
  (around: Surroundings) => Promise<Findings>
>;
if (!scenario) throw new Error(`there is no scenario ${name}`);
const server = await startEmbeddedPostgres({ max_connections: "100" });
try {
  const began = performance.now();
  const { figures, violations } = await scenario({ url: server.url, seed: Number(seed) });
  const seconds = Math.round((performance.now() - began) / 1_000);
  console.log(JSON.stringify({ scenario: name, seed: Number(seed), seconds, figures, violations }, null, 2));
  process.exitCode = violations.length > 0 ? 1 : 0;
} finally {
  await server.stop();
}
