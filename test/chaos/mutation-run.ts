// Runs the mutants, one after the other, and one run without any under the same faults.
import type { EmbeddedPostgres } from "../support/embedded-postgres.ts";
import type { Mutant } from "./mutants.ts";
import type { Profile } from "./profiles.ts";
import { run, type RunResult, type Watch } from "./run.ts";

const seconds = 12;

export interface MutationResult {
  /** "none" for the run without a mutant. */
  readonly mutant: string;
  /** Whether it is as it should be: red through one of its checks, or clean without a mutant. */
  readonly good: boolean;
  /** How often each check was broken. */
  readonly broken: Readonly<Record<string, number>>;
  readonly what: string;
  readonly result: RunResult;
}

/** @param mutant undefined: the product as it is, under the same faults */
export async function runMutant(
  postgres: EmbeddedPostgres,
  mutant: Mutant | undefined,
  profile: Profile,
  seed: number,
  watch: Watch,
  stop: AbortSignal,
): Promise<MutationResult> {
  const rewrites = mutant && { mutant: JSON.stringify(mutant.rewrites) };
  const result = await run(postgres, { ...profile, ...rewrites, seed, seconds }, watch, stop);
  const broken: Record<string, number> = {};
  for (const { check } of result.violations) broken[check] = (broken[check] ?? 0) + 1;
  return { mutant: mutant?.name ?? "none", ...judged(mutant, broken, result), broken, result };
}

function judged(
  mutant: Mutant | undefined,
  broken: Readonly<Record<string, number>>,
  { mutated, violations }: RunResult,
): { good: boolean; what: string } {
  const counts = Object.entries(broken).map(([check, times]) => `${check} × ${times}`);
  const found = counts.join(", ");
  if (!mutant) return { good: violations.length === 0, what: found || "clean" };
  const files = new Set(mutant.rewrites.map(({ file }) => file));
  const rotten = [...files].find((file) => !mutated.includes(file));
  if (rotten) return { good: false, what: `it could not be put into ${rotten}: bring mutants.ts up to date` };
  const why = mutant.foundBy.find((check) => broken[check]);
  if (why) return { good: true, what: found };
  return { good: false, what: `not found by: ${mutant.foundBy.join(", ")}; ${found || "clean"}` };
}
