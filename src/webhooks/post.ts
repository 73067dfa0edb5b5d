import type { LookupAddress } from "node:dns";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { LookupFunction } from "node:net";
import { sanitizeText } from "../core/storable.js";

/** What a receiver answered. */
export interface Answer {
  readonly status: number;
  /** Milliseconds that it asks to wait; 0 for none. */
  readonly retryAfterMs: number;
  /** The beginning of its body. */
  readonly excerpt: string;
}

/** A request to a host whose addresses are known. */
export interface Post {
  readonly url: URL;
  /** Connected to as they are: nobody is asked again. */
  readonly addresses: readonly LookupAddress[];
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal: AbortSignal;
}

const excerptBytes = 1_024;
const maxRetryAfterMs = 86_400_000;

/**
 * Sends a request over a connection of its own, and reads no more of the answer than is kept. Follows no redirect.
 *
 * @throws the network's error, or that of the signal
 */
export function post({ url, addresses, headers, body, signal }: Post): Promise<Answer> {
  const request = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((answered, failed) => {
    const options = { method: "POST", agent: false, lookup: known(addresses), headers, signal } as const;
    let responded = false;
    const sending = request(url, options, (response) => {
      responded = true;
      void answerOf(response).then(answered, failed);
    });
    // Once the status was said, what becomes of the rest changes nothing: `answerOf` ends with the connection.
    sending.on("error", (error) => responded || failed(error));
    // One who answers 101 wants another protocol: Node closes the connection then, and says no more of it.
    sending.on("close", () => {
      if (!responded) failed(new Error("the connection was closed without an answer"));
    });
    sending.end(body);
  });
}

function known(addresses: readonly LookupAddress[]): LookupFunction {
  const [first] = addresses as [LookupAddress];
  return (_host, { all }, found) => (all ? found(null, [...addresses]) : found(null, first.address, first.family));
}

async function answerOf(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) {
      chunks.push(chunk as Buffer);
      if (chunks.reduce((sum, { length }) => sum + length, 0) >= excerptBytes) break;
    }
  } catch {
    // The status has been said: whether the rest of the body comes changes nothing.
  }
  const body = Buffer.concat(chunks).subarray(0, excerptBytes).toString("utf8");
  return {
    status: response.statusCode as number,
    retryAfterMs: retryAfterMs(response.headers["retry-after"], response.headers.date),
    excerpt: sanitizeText(body, excerptBytes),
  };
}

/** In seconds, or as a date: which is the receiver's clock's, as that of the answer is. */
function retryAfterMs(text: string | undefined, date: string | undefined): number {
  if (text === undefined) return 0;
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - (date ? Date.parse(date) : Date.now());
  return ms > 0 ? Math.min(ms, maxRetryAfterMs) : 0;
}
