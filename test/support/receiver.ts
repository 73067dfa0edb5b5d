import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll } from "vitest";
import type { WebhookConfig, WebhookRequest } from "../../src/webhooks.ts";

/** One request that a receiver got. */
export interface Received extends WebhookRequest {
  readonly id: string;
  readonly body: string;
  readonly raw: IncomingHttpHeaders;
}

/** What a receiver says; `never`: it does not answer. */
type Says = { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string } | "never";

export interface Receiver {
  readonly url: string;
  readonly received: readonly Received[];
  /** What it says from now on. At first it says 204. */
  says: Says | ((received: Received) => Says);
}

/** Webhooks of the tests may reach this machine. */
export const webhooks: WebhookConfig = { keys: [Buffer.alloc(32, 7).toString("base64")], allow: ["127.0.0.0/8"] };

/** Listens on a loopback address until the test file is done. */
export async function startReceiver(host = "127.0.0.1", port = 0): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const got = receivedOf(request.headers, await text(request));
    received.push(got);
    const says = typeof receiver.says === "function" ? receiver.says(got) : receiver.says;
    if (says === "never") return;
    response.writeHead(says.status, says.headers).end(says.body);
  });
  await once(server.listen(port, host), "listening");
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const receiver: Receiver = {
    url: `http://${host}:${(server.address() as AddressInfo).port}/hooks`,
    received,
    says: { status: 204 },
  };
  return receiver;
}

/** What a receiver has in hand, to be verified as often as a test likes. */
export function receivedOf(raw: IncomingHttpHeaders, body: string): Received {
  return {
    id: String(raw["webhook-id"]),
    body,
    raw,
    headers: { get: (name) => (raw[name] as string | undefined) ?? null },
    text: async () => body,
  };
}
