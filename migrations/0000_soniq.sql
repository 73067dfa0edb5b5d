CREATE TABLE "soniq_jobs" (
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
CREATE INDEX "soniq_schedules_next" ON "soniq_schedules" USING btree ("next_run_at") WHERE paused_at is null and orphaned_at is null;