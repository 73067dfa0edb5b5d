import type { Findings } from "../findings.ts";
import type { Server } from "../server.ts";

export interface Scenario {
  readonly name: string;
  readonly what: string;
  run(stage: Stage): Promise<Findings>;
}

export interface Stage {
  readonly server: Server;
  /** Whether to use small sizes. */
  readonly quick: boolean;
  readonly rounds: number;
  /** Shows what is running. */
  readonly showStatus: (text: string) => void;
}
