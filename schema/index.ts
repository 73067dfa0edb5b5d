export { soniqAudit } from "./audit.js";
export { soniqJobs } from "./jobs.js";
export { soniqQueues } from "./queues.js";
export { soniqSchedules } from "./schedules.js";
export { soniqStats } from "./stats.js";
export { soniqWebhookEndpoints } from "./webhook-endpoints.js";
export { soniqWorkers } from "./workers.js";
