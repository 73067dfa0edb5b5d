export { publishEvent, type PublishedEvent } from "./webhooks/publish-event.js";
export { defineEvent, type EventDefinition } from "./webhooks/define-event.js";
export { deleteEndpoint } from "./webhooks/delete-endpoint.js";
export {
  type Delivery,
  type DeliveryFailure,
  type DeliveryPage,
  listDeliveries,
  resendDelivery,
} from "./webhooks/delivery-log.js";
export {
  type Endpoint,
  type EndpointFilter,
  listEndpoints,
  type NewEndpoint,
  pauseEndpoint,
  registerEndpoint,
  resumeEndpoint,
} from "./webhooks/endpoints.js";
export { jobCancelled, jobCompleted, jobDead, jobRetried, type JobEventData } from "./webhooks/job-events.js";
export { rotateSecret, rotateWebhookKeys } from "./webhooks/rotate-secret.js";
export { type ReceivedWebhook, verifyWebhook, WebhookError, type WebhookRequest } from "./webhooks/verify-webhook.js";
export type { WebhookConfig } from "./webhooks/webhook-config.js";
