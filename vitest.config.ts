import { defineConfig } from "vitest/config";
import { findFastTests } from "./test/support/fast-tests.ts";

const fast = findFastTests(import.meta.dirname);
/** These share one browser per file. */
const browser = ["test/browser/**/*.test.ts"];
/** These install the packed package into new projects. */
const packaged = ["test/package/**/*.test.ts"];

export default defineConfig({
  // The tests run the sources, so a change needs no build. test/package tests the packed package.
  resolve: {
    alias: [
      { find: /^soniq-drizzle$/, replacement: new URL("./src/index.ts", import.meta.url).pathname },
      { find: /^soniq-drizzle\/admin$/, replacement: new URL("./src/admin.ts", import.meta.url).pathname },
      { find: /^soniq-drizzle\/metrics$/, replacement: new URL("./src/metrics.ts", import.meta.url).pathname },
      {
        find: /^soniq-drizzle\/node-postgres$/,
        replacement: new URL("./src/database/node-postgres.ts", import.meta.url).pathname,
      },
      {
        find: /^soniq-drizzle\/pglite$/,
        replacement: new URL("./src/database/pglite.ts", import.meta.url).pathname,
      },
      { find: /^soniq-drizzle\/testing$/, replacement: new URL("./src/testing.ts", import.meta.url).pathname },
      { find: /^soniq-drizzle\/webhooks$/, replacement: new URL("./src/webhooks.ts", import.meta.url).pathname },
      { find: /^soniq-drizzle\/dashboard$/, replacement: new URL("./src/dashboard.ts", import.meta.url).pathname },
      { find: /^soniq-drizzle\/schema$/, replacement: new URL("./schema/index.ts", import.meta.url).pathname },
    ],
  },
  test: {
    maxWorkers: 4,
    expect: { poll: { timeout: 15_000 } },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: "fast", include: fast, isolate: false } },
      {
        extends: true,
        test: {
          name: "postgres",
          include: ["test/**/*.test.ts"],
          exclude: [...fast, ...browser, ...packaged],
          globalSetup: ["test/support/postgres-for-all.ts", "test/support/programs.ts"],
          // Each worker loads the modules once. So no module may keep state, or register hooks, between test files.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: "browser",
          include: browser,
          exclude: fast,
          globalSetup: ["test/support/postgres-for-all.ts"],
        },
      },
      {
        extends: true,
        test: { name: "package", include: packaged, globalSetup: ["test/support/postgres-for-all.ts"] },
      },
    ],
  },
});
