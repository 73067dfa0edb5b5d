// What a worker process on PGlite is configured by. The directory is where a server's address is otherwise.
import { PGlite } from "@electric-sql/pglite";
import { drizzle } from "drizzle-orm/pglite";
import * as v from "valibot";
import { defineConfig, defineJob } from "../../src/index.ts";
import { pglite } from "../../src/database/pglite.ts";

/** Never ends. */
export const linger = defineJob({ name: "linger", payload: v.number() });

export default defineConfig({
  connection: pglite(drizzle({ client: new PGlite(process.env["DATABASE_URL"]) })),
  jobs: { linger },
  handlers: {
    linger: (n) => {
      console.log(`lingering ${n}`);
      return new Promise(() => {});
    },
  },
});
