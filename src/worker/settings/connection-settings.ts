import * as v from "valibot";
import { hasUnencodedAt } from "../../database/connect.js";
import type { PgliteConnection } from "../../database/pglite-connection.js";

export const connectionSchema = v.union(
  [
    v.pipe(
      v.string(),
      v.regex(/^postgres(ql)?:\/\//, "must begin with postgres:// or postgresql://"),
      v.check((url) => URL.canParse(url), "is not a valid URL: percent-encode special characters in its password"),
      v.check(
        (url) => !hasUnencodedAt(url),
        "has an @ after its host: percent-encode special characters in its password, or part of the password is read as the host and printed",
      ),
    ),
    v.custom<PgliteConnection>(isPgliteConnection),
  ],
  ({ input }) =>
    input === undefined
      ? "is not set: give PostgreSQL's connection string. Is DATABASE_URL defined?"
      : "must be PostgreSQL's connection string, or pglite(db) of soniq-drizzle/pglite",
);

export const databaseSchema = v.optional(
  v.looseObject(
    { openSlot: v.function() },
    "must be postgresJs((client) => drizzle({ client, schema })) or nodePostgres(…)",
  ),
);

function isPgliteConnection(value: unknown): boolean {
  return typeof value === "object" && value !== null && "openSlot" in value && "openListener" in value;
}
