import { base } from "./base.js";
import { lines } from "./streams.js";
import { storedToken } from "./token.js";

/** What the server refused, or that it did not answer: a sentence for people. */
export class ApiError extends Error {
  constructor(
    message: string,
    /** 0 if there was no answer. */
    readonly status: number,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** The event of the window that says that a token is missing or wrong. */
export const signedOut = "soniq-signed-out";

/** Values of a query or a body: those that are empty are left out. */
export type Values = Readonly<Record<string, string | number | null | undefined>>;

/** The path of what is done to something by its name: addresses cannot hold the names `.` and `..`, which are sent behind it. */
export function pathOf(resource: string, name: string, verb: string): string {
  return name === "." || name === ".."
    ? withQuery(`${resource}/-/${verb}`, { target: name })
    : `${resource}/${encodeURIComponent(name)}/${verb}`;
}

export function withQuery(path: string, values: Values): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value) query.set(name, String(value));
  return query.size === 0 ? path : `${path}?${query}`;
}

/** The server's own statements take no longer than a few seconds. */
const maxAnswerMs = 20_000;

/** Asks. A connection that died in silence is an error in the end, too, so that it is asked again. */
export async function getJson<T>(path: string, signal: AbortSignal): Promise<T> {
  const response = await call(path, { signal: AbortSignal.any([signal, AbortSignal.timeout(maxAnswerMs)]) });
  return (await response.json()) as T;
}

/** Changes something. @returns what became of it, in words */
export async function change(path: string): Promise<string> {
  const response = await call(path, { method: "POST" });
  const { done } = (await response.json()) as { readonly done: string };
  return done;
}

/** Changes much: what is told on the way, line by line. */
export async function* changeMany<T>(path: string, body: unknown): AsyncGenerator<T> {
  const response = await call(path, { method: "POST", body: JSON.stringify(body) });
  for await (const line of lines(bodyOf(response))) if (line !== "") yield JSON.parse(line) as T;
}

/** The body of an answer that goes on. */
export async function getStream(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  return bodyOf(await call(path, { signal }));
}

function bodyOf(response: Response): ReadableStream<Uint8Array> {
  if (response.body === null) throw new ApiError("The server answered with nothing.", response.status);
  return response.body;
}

async function call(path: string, init: RequestInit): Promise<Response> {
  const headers = new Headers();
  const token = storedToken();
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
  if (response.status === 401) window.dispatchEvent(new Event(signedOut));
  throw new ApiError(await refusal(response), response.status);
}

async function refusal(response: Response): Promise<string> {
  const answer: unknown = await response.json().catch(() => null);
  const said = typeof answer === "object" && answer !== null && "error" in answer ? answer.error : null;
  return typeof said === "string" ? said : `The server answered with status ${response.status}.`;
}
