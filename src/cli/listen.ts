import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { findErrorCode, SoniqError } from "../core/errors.js";

/** Where a command is to listen. */
export interface Listening {
  /** 0 for any that is free. */
  readonly port: number;
  /** The address to listen on; by default all. */
  readonly hostname?: string | undefined;
  /** What the options begin with that say so, such as `--health`: of `--health-port` and `--health-host`. */
  readonly options: string;
}

/**
 * Answers over HTTP.
 *
 * @returns where it listens, such as `http://[::]:8080`
 * @throws SoniqError if it cannot listen there
 */
export async function listen(
  fetch: (request: Request) => Response | Promise<Response>,
  { port, hostname, options }: Listening,
): Promise<string> {
  const address = await new Promise<AddressInfo>((listening, failed) => {
    serve({ fetch, port, ...(hostname !== undefined && { hostname }) }, listening).once("error", failed);
  }).catch((error: unknown) => {
    throw new SoniqError(`cannot listen on ${options}-port ${port}: ${reason(error, options)}`);
  });
  const host = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}

function reason(error: unknown, options: string): string {
  const code = findErrorCode(error);
  if (code === "EADDRINUSE") return "it is taken: stop what listens there, or give another port";
  if (code === "EACCES") return "this user may not listen there: give a port above 1023";
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND")
    return `this machine has no such address: check ${options}-host`;
  return String(code ?? error);
}
