/** The SQL of each migration by its name, in order: generated from migrations/ by `npm run build`. */
export const migrations: Readonly<Record<string, string>> = {
  "0000_soniq": `CREATE TABLE "soniq_jobs" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "soniq_jobs_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"queue" text DEFAULT 'default' NOT NULL,
	"name" text NOT NULL,
	"state" text DEFAULT 'queued' NOT NULL,
	"priority" smallint DEFAULT 5 NOT NULL,
	"payload" jsonb NOT NULL,
	"run_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"claims" integer DEFAULT 0 NOT NULL,
	"attempt" integer DEFAULT 0 NOT NULL,
	"max_attempts" integer DEFAULT 10 NOT NULL,
	"crashes" integer DEFAULT 0 NOT NULL,
	"worker_id" uuid,
	"last_worker_id" uuid,
	"deadline_at" timestamp with time zone,
	"cancel_requested_at" timestamp with time zone,
	"unknown_since" timestamp with time zone,
	"unique_key" text,
	"unique_held" boolean DEFAULT true NOT NULL,
	"unique_until" text DEFAULT 'finished' NOT NULL,
	"unique_expires_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"claimed_at" timestamp with time zone,
	"finished_at" timestamp with time zone,
	"result" jsonb,
	"progress" jsonb,
	"errors" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"logs" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"reason" text,
	"manual_retries" integer DEFAULT 0 NOT NULL,
	"tags" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"meta" jsonb DEFAULT '{}'::jsonb NOT NULL,
	CONSTRAINT "soniq_jobs_state_check" CHECK (state in ('queued', 'active', 'completed', 'cancelled', 'dead')),
	CONSTRAINT "soniq_jobs_priority_check" CHECK (priority between 0 and 9),
	CONSTRAINT "soniq_jobs_unique_until_check" CHECK (unique_until in ('started', 'finished'))
);
--> statement-breakpoint
CREATE TABLE "soniq_queues" (
	"name" text PRIMARY KEY NOT NULL,
	"paused_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "soniq_schedules" (
	"name" text PRIMARY KEY NOT NULL,
	"cron" text,
	"every_ms" bigint,
	"time_zone" text DEFAULT 'UTC' NOT NULL,
	"job_name" text NOT NULL,
	"payload" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"options" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"missed" text DEFAULT 'once' NOT NULL,
	"overlap" text DEFAULT 'skip' NOT NULL,
	"ticks" bigint DEFAULT 0 NOT NULL,
	"next_run_at" timestamp with time zone DEFAULT now() NOT NULL,
	"last_tick_at" timestamp with time zone,
	"last_job_id" bigint,
	"paused_at" timestamp with time zone,
	"orphaned_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "soniq_schedules_missed_check" CHECK (missed in ('once', 'skip', 'all')),
	CONSTRAINT "soniq_schedules_overlap_check" CHECK (overlap in ('skip', 'allow'))
);
--> statement-breakpoint
CREATE TABLE "soniq_stats" (
	"minute" timestamp with time zone NOT NULL,
	"queue" text NOT NULL,
	"name" text NOT NULL,
	"measure" text NOT NULL,
	"bucket" smallint DEFAULT 0 NOT NULL,
	"count" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "soniq_stats_pkey" PRIMARY KEY("minute","queue","name","measure","bucket")
);
--> statement-breakpoint
CREATE TABLE "soniq_webhook_endpoints" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"url" text NOT NULL,
	"description" text DEFAULT '' NOT NULL,
	"events" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"secrets" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"headers" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"paused_at" timestamp with time zone,
	"failures" integer DEFAULT 0 NOT NULL,
	"open_until" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "soniq_workers" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"host" text DEFAULT '' NOT NULL,
	"pid" integer,
	"version" text DEFAULT '' NOT NULL,
	"queues" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"idle_queues" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL,
	"beat_at" timestamp with time zone DEFAULT now() NOT NULL,
	"lease_expires_at" timestamp with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp with time zone
);
--> statement-breakpoint
CREATE INDEX "soniq_jobs_claim" ON "soniq_jobs" USING btree ("queue","priority","run_at","id") WHERE state = 'queued';--> statement-breakpoint
CREATE INDEX "soniq_jobs_owner" ON "soniq_jobs" USING btree ("worker_id") WHERE state = 'active';--> statement-breakpoint
CREATE UNIQUE INDEX "soniq_jobs_unique" ON "soniq_jobs" USING btree ("unique_key") WHERE unique_held and unique_key is not null;--> statement-breakpoint
CREATE INDEX "soniq_jobs_dead" ON "soniq_jobs" USING btree ("finished_at","id") WHERE state = 'dead';--> statement-breakpoint
CREATE INDEX "soniq_jobs_finished" ON "soniq_jobs" USING btree ("finished_at") WHERE finished_at is not null;--> statement-breakpoint
CREATE INDEX "soniq_schedules_next" ON "soniq_schedules" USING btree ("next_run_at") WHERE paused_at is null and orphaned_at is null;`,
  "0001_storage": `-- How the tables are stored, which Drizzle's schema cannot say. Everything works without it.
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
`,
  "0002_features": `ALTER TABLE "soniq_schedules" ADD COLUMN "jitter_ms" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "soniq_schedules" ADD COLUMN "definition" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "soniq_schedules" ADD COLUMN "definitions" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "soniq_webhook_endpoints" ADD COLUMN "paused_reason" text;--> statement-breakpoint
ALTER TABLE "soniq_workers" ADD COLUMN "schedules" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
CREATE INDEX "soniq_jobs_delivery" ON "soniq_jobs" USING btree ((payload ->> 'endpoint'),id) WHERE name = 'soniq.webhook';`,
  "0003_audit": `CREATE TABLE "soniq_audit" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "soniq_audit_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"actor" text NOT NULL,
	"action" text NOT NULL,
	"target" text DEFAULT '' NOT NULL,
	"detail" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"outcome" text NOT NULL
);
`,
  "0004_fences-and-tenants": `ALTER TABLE "soniq_audit" ALTER COLUMN "target" DROP DEFAULT;--> statement-breakpoint
ALTER TABLE "soniq_audit" ALTER COLUMN "target" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "soniq_schedules" ALTER COLUMN "definition" SET DEFAULT 'none';--> statement-breakpoint
ALTER TABLE "soniq_webhook_endpoints" ALTER COLUMN "description" DROP DEFAULT;--> statement-breakpoint
ALTER TABLE "soniq_webhook_endpoints" ALTER COLUMN "description" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "soniq_workers" ALTER COLUMN "host" SET DEFAULT 'unknown';--> statement-breakpoint
ALTER TABLE "soniq_workers" ALTER COLUMN "version" SET DEFAULT 'unknown';--> statement-breakpoint
ALTER TABLE "soniq_jobs" ADD COLUMN "claim_token" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "soniq_webhook_endpoints" ADD COLUMN "tenant" text;--> statement-breakpoint
ALTER TABLE "soniq_workers" ADD COLUMN "code" text;--> statement-breakpoint
ALTER TABLE "soniq_workers" ADD COLUMN "timeline" text;--> statement-breakpoint
CREATE INDEX "soniq_webhook_endpoints_tenant" ON "soniq_webhook_endpoints" USING btree ("tenant");`,
  "0005_expiry": `ALTER TABLE "soniq_jobs" ADD COLUMN "expires_at" timestamp with time zone;--> statement-breakpoint
CREATE INDEX "soniq_jobs_expiring" ON "soniq_jobs" USING btree ("expires_at") WHERE state = 'queued' and expires_at is not null;`,
};
