import * as v from "valibot";
import { hasStrayAt } from "../../database/connect.js";
import type { PgliteConnection } from "../../database/pglite-connection.js";

/** How PostgreSQL is reached. */
export const connectionSchema = v.union(
  [
    v.pipe(
      v.string(),
      v.regex(/^postgres(ql)?:\/\//, "must begin with postgres:// or postgresql://"),
      v.check((url) => URL.canParse(url), "is no valid URL: percent-encode what is special in its password"),
      v.check(
        (url) => !hasStrayAt(url),
        "has an @ behind its host: percent-encode what is special in its password, which would be taken for a host and printed",
      ),
    ),
    v.custom<PgliteConnection>(isPglite),
  ],
  ({ input }) =>
    input === undefined
      ? "is not set: give PostgreSQL's connection string. Is DATABASE_URL defined?"
      : "must be PostgreSQL's connection string, or pglite(db) of soniq-drizzle/pglite",
);

/** How the application opens Drizzle. */
export const databaseSchema = v.optional(
  v.looseObject(
    { openSlot: v.function() },
    "must be postgresJs((client) => drizzle({ client, schema })) or nodePostgres(…)",
  ),
);

function isPglite(value: unknown): boolean {
  return typeof value === "object" && value !== null && "openSlot" in value && "openListener" in value;
}
