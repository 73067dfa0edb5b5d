export { createMetrics, type Metrics } from "./metrics/create-metrics.js";
