// What a process that delivers webhooks is configured by: `soniq-drizzle work --config` this file.
import { defineConfig, type Duration } from "../../src/index.ts";

export default defineConfig({
  connection: process.env["DATABASE_URL"],
  jobs: {},
  handlers: {},
  webhooks: { keys: [Buffer.alloc(32, 7).toString("base64")], allow: ["127.0.0.0/8"] },
  lease: process.env["LEASE"] as Duration,
  rescueInterval: "200ms",
  pollInterval: "200ms",
  shutdownTimeout: process.env["DRAIN_TIMEOUT"] as Duration,
});
