import type { LookupAddress } from "node:dns";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { LookupFunction } from "node:net";
import { sanitizeText } from "../core/sanitize-text.js";

/** The answer of a receiver. */
export interface Answer {
  readonly status: number;
  /** The delay that the receiver asks for; 0 for none. */
  readonly retryAfterMs: number;
  /** The beginning of the body. */
  readonly excerpt: string;
}

/** A request to a host whose addresses are already resolved. */
export interface PostRequest {
  readonly url: URL;
  /** The addresses to connect to. The host is not resolved again. */
  readonly addresses: readonly LookupAddress[];
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal: AbortSignal;
}

const excerptBytes = 1_024;
const maxRetryAfterMs = 86_400_000;

/**
 * Sends a request over a new connection, and reads only the part of the answer that is kept. Follows no redirect.
 *
 * @throws the network's error, or that of the signal
 */
export function post({ url, addresses, headers, body, signal }: PostRequest): Promise<Answer> {
  const request = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const options = { method: "POST", agent: false, lookup: createFixedLookup(addresses), headers, signal } as const;
    let hasResponse = false;
    const clientRequest = request(url, options, (response) => {
      hasResponse = true;
      void readAnswer(response).then(resolve, reject);
    });
    // Once the status is known, a later error does not change the result: `readAnswer` ends with the connection.
    clientRequest.on("error", (error) => hasResponse || reject(error));
    // The answer 101 asks for another protocol: Node closes the connection and emits neither a response nor an error.
    clientRequest.on("close", () => {
      if (!hasResponse) reject(new Error("the connection was closed without an answer"));
    });
    clientRequest.end(body);
  });
}

function createFixedLookup(addresses: readonly LookupAddress[]): LookupFunction {
  const [first] = addresses as [LookupAddress];
  return (_host, { all }, callback) =>
    all ? callback(null, [...addresses]) : callback(null, first.address, first.family);
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) {
      chunks.push(chunk as Buffer);
      if (chunks.reduce((sum, { length }) => sum + length, 0) >= excerptBytes) break;
    }
  } catch {
    // The status is known: a truncated body does not change the result.
  }
  const body = Buffer.concat(chunks).subarray(0, excerptBytes).toString("utf8");
  return {
    status: response.statusCode as number,
    retryAfterMs: parseRetryAfter(response.headers["retry-after"], response.headers.date),
    excerpt: sanitizeText(body, excerptBytes),
  };
}

/**
 * Parses a number of seconds or a date. The date is by the receiver's clock, as is the answer's own `date`: their
 * difference is the delay.
 */
function parseRetryAfter(text: string | undefined, date: string | undefined): number {
  if (text === undefined) return 0;
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - (date ? Date.parse(date) : Date.now());
  return ms > 0 ? Math.min(ms, maxRetryAfterMs) : 0;
}
