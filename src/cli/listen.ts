import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { findErrorCode, SoniqError } from "../core/errors.js";

/** The address that a command listens on. */
export interface ListenOptions {
  /** 0 for any free port. */
  readonly port: number;
  /** The address to listen on. Default: all addresses. */
  readonly hostname?: string | undefined;
  /** The prefix of the options that set port and host, for error messages: `--health` for `--health-port` and `--health-host`. */
  readonly optionPrefix: string;
}

/**
 * Serves HTTP requests.
 *
 * @returns the address that it listens on, such as `http://[::]:8080`
 * @throws SoniqError if it cannot listen there
 */
export async function listen(
  fetch: (request: Request) => Response | Promise<Response>,
  { port, hostname, optionPrefix }: ListenOptions,
): Promise<string> {
  const address = await new Promise<AddressInfo>((resolve, reject) => {
    serve({ fetch, port, ...(hostname !== undefined && { hostname }) }, resolve).once("error", reject);
  }).catch((error: unknown) => {
    throw new SoniqError(`cannot listen on ${optionPrefix}-port ${port}: ${explainListenError(error, optionPrefix)}`);
  });
  const host = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}

function explainListenError(error: unknown, optionPrefix: string): string {
  const code = findErrorCode(error);
  if (code === "EADDRINUSE") return "the port is in use: stop the process that listens on it, or give another port";
  if (code === "EACCES") return "this user may not listen on that port: give a port above 1023";
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND")
    return `this machine has no such address: check ${optionPrefix}-host`;
  return String(code ?? error);
}
