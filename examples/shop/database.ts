import { drizzle } from "drizzle-orm/postgres-js";
import * as schema from "./schema.ts";

/** Opens the shop's database; close it with `$client.end()`. */
export function openDatabase(url: string) {
  return drizzle(url, { schema });
}

export type Database = ReturnType<typeof openDatabase>;
