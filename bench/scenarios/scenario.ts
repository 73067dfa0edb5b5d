import type { Findings } from "../findings.ts";
import type { Server } from "../server.ts";

export interface Scenario {
  readonly name: string;
  readonly what: string;
  run(stage: Stage): Promise<Findings>;
}

export interface Stage {
  readonly server: Server;
  /** Small sizes. */
  readonly quick: boolean;
  readonly rounds: number;
  /** Says what is under way. */
  readonly say: (text: string) => void;
}
