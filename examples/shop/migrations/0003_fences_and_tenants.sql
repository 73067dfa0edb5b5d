ALTER TABLE "soniq_audit" ALTER COLUMN "target" DROP DEFAULT;--> statement-breakpoint
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
CREATE INDEX "soniq_webhook_endpoints_tenant" ON "soniq_webhook_endpoints" USING btree ("tenant");