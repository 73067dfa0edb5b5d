-- How the tables are stored, which Drizzle's schema cannot say. Everything works without it.
-- Queue rows die young: vacuum and analyze after a fixed number of changes, not after a share of a table that may be large.
ALTER TABLE "soniq_jobs" SET (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 10000,
  autovacuum_vacuum_insert_scale_factor = 0,
  autovacuum_vacuum_insert_threshold = 50000,
  autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 50000,
  autovacuum_vacuum_cost_delay = 0
);--> statement-breakpoint
-- Each beat updates a worker's row: with room on the page it stays there, and no index needs to know.
ALTER TABLE "soniq_workers" SET (
  fillfactor = 50,
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 500
);
