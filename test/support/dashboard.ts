import { createDashboard, type Dashboard, type DashboardOptions } from "../../src/dashboard.ts";

export const token = "a-token-of-this-test";

/** What is said back, its JSON read. */
interface Answer<Body> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

/** A dashboard, and somebody with its token who asks it. */
export interface AskedDashboard {
  readonly dashboard: Dashboard;
  get<Body>(path: string, headers?: Record<string, string>): Promise<Answer<Body>>;
  /** Sends what the page would send. */
  post(
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer<{ done?: string; error?: string }>>;
}

/** A dashboard that allows changes, unless it is said otherwise. */
export function askedDashboard(options: DashboardOptions): AskedDashboard {
  const dashboard = createDashboard({ token, write: true, ...options });
  async function answer<Body>(path: string, init: RequestInit): Promise<Answer<Body>> {
    const response = await dashboard(requestOf(`/api/${path}`, init));
    const { status, headers } = response;
    return { status, headers, body: (await response.json()) as Body };
  }
  return {
    dashboard,
    get: (path, headers = {}) => answer(path, { headers }),
    post: (path, body, headers = {}) =>
      answer(path, {
        method: "POST",
        headers: { "x-soniq": "1", ...(body !== undefined && { "content-type": "application/json" }), ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
  };
}

/** A request as a server hands it over. By default for this machine's own name, with the token. */
export function requestOf(path: string, { headers = {}, ...init }: RequestInit = {}): Request {
  const all = { host: "localhost:4680", authorization: `Bearer ${token}`, ...headers } as Record<string, string>;
  return new Request(`http://localhost:4680${path}`, { ...init, headers: all });
}
