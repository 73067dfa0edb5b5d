export type { Authorize, DashboardAction } from "./dashboard/access.js";
export { createDashboard, type Dashboard } from "./dashboard/create-dashboard.js";
export type { LinkedJob } from "./dashboard/link.js";
export type { DashboardOptions } from "./dashboard/options.js";
