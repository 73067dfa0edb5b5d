import { base } from "./base.js";
import { readLines } from "./streams.js";
import { readToken } from "./token.js";

/** A request failed: the server refused it or did not respond. The message is a sentence for the reader. */
export class ApiError extends Error {
  constructor(
    message: string,
    /** The HTTP status, or 0 if the server did not respond. */
    readonly status: number,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** Dispatched on `window` when the server reports a missing or wrong token. */
export const signedOutEvent = "soniq-signed-out";

/** Values of a query. Empty values are left out of the address. */
export type QueryValues = Readonly<Record<string, string | number | null | undefined>>;

/** Builds the path of an action on a named resource. A URL path cannot contain the names `.` and `..`, so the query carries them. */
export function buildActionPath(resource: string, name: string, action: string): string {
  return name === "." || name === ".."
    ? withQuery(`${resource}/-/${action}`, { target: name })
    : `${resource}/${encodeURIComponent(name)}/${action}`;
}

export function withQuery(path: string, values: QueryValues): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value) query.set(name, String(value));
  return query.size === 0 ? path : `${path}?${query}`;
}

/** Generous: the server limits its statements to a few seconds. */
const requestTimeoutMs = 20_000;

/** Fetches JSON. The timeout turns a silently dead connection into an error, so that the caller can retry. */
export async function getJson<T>(path: string, signal: AbortSignal): Promise<T> {
  const response = await fetchApi(path, { signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]) });
  return (await response.json()) as T;
}

/** Posts an action. @returns the outcome, as text */
export async function postAction(path: string): Promise<string> {
  const response = await fetchApi(path, { method: "POST" });
  const { done } = (await response.json()) as { readonly done: string };
  return done;
}

/** Posts a bulk action, and yields the progress messages that the server streams. */
export async function* streamAction<T>(path: string, body: unknown): AsyncGenerator<T> {
  const response = await fetchApi(path, { method: "POST", body: JSON.stringify(body) });
  for await (const line of readLines(requireBody(response))) if (line !== "") yield JSON.parse(line) as T;
}

/** Opens a streaming response. */
export async function getStream(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  return requireBody(await fetchApi(path, { signal }));
}

function requireBody(response: Response): ReadableStream<Uint8Array> {
  if (response.body === null) throw new ApiError("The server sent an empty response. Try again.", response.status);
  return response.body;
}

async function fetchApi(path: string, init: RequestInit): Promise<Response> {
  const headers = new Headers();
  const token = readToken();
  if (token !== null) headers.set("authorization", `Bearer ${token}`);
  if (init.method === "POST") {
    headers.set("x-soniq", "1");
    headers.set("content-type", "application/json");
  }
  const response = await fetch(new URL(`api/${path}`, base), { ...init, headers }).catch((error: unknown) => {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError("The dashboard's server does not answer. Is it running?", 0);
  });
  if (response.ok) return response;
  if (response.status === 401) window.dispatchEvent(new Event(signedOutEvent));
  throw new ApiError(await readErrorMessage(response), response.status);
}

async function readErrorMessage(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => null);
  const message = typeof body === "object" && body !== null && "error" in body ? body.error : null;
  return typeof message === "string" ? message : `The server responded with status ${response.status}.`;
}
