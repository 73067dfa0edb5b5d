ALTER TABLE "soniq_schedules" ADD COLUMN "jitter_ms" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "soniq_schedules" ADD COLUMN "definition" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "soniq_schedules" ADD COLUMN "definitions" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "soniq_webhook_endpoints" ADD COLUMN "paused_reason" text;--> statement-breakpoint
ALTER TABLE "soniq_workers" ADD COLUMN "schedules" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
CREATE INDEX "soniq_jobs_delivery" ON "soniq_jobs" USING btree ((payload ->> 'endpoint'),id) WHERE name = 'soniq.webhook';