// A receiver of webhooks in a process of its own: verifies what it gets, prints a line for each, and answers once it is told
// to. Its secret is its argument.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import * as v from "valibot";
import { defineEvent, verifyWebhook } from "../../src/webhooks.ts";

const pinged = defineEvent({ name: "pinged", payload: v.number() });
const secret = process.argv[2] as string;
const answers = new Set<() => void>();
let mayAnswer = false;

const server = createServer(async (request, response) => {
  const body = await text(request);
  const headers = { get: (name: string) => (request.headers[name] as string | undefined) ?? null };
  const { id, data } = await verifyWebhook({ headers, text: async () => body }, secret, [pinged]);
  console.log(`got ${data} as ${id}`);
  const answer = () => response.writeHead(204).end();
  if (mayAnswer) answer();
  else answers.add(answer);
});
server.listen(Number(process.argv[3] ?? 0), "127.0.0.1", () =>
  console.log(`at http://127.0.0.1:${(server.address() as AddressInfo).port}/`),
);

process.stdin.once("data", () => {
  mayAnswer = true;
  for (const answer of answers) answer();
});
