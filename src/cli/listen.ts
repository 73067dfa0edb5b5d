import type { AddressInfo } from "node:net";
import type { Server } from "node:http";
import { serve } from "@hono/node-server";
import { errorCode, SoniqError } from "../core/errors.js";

/** Where to listen. */
export interface ListenOptions {
  /** 0 for any that is free. */
  readonly port: number;
  /** By default all addresses. */
  readonly hostname?: string | undefined;
  /** What the flags are called that say so, but for `port` and `host` at their end: for the error. */
  readonly flags: string;
}

/** A server that listens. */
export interface Listening {
  /** Such as `http://[::]:8080`. */
  readonly address: string;
  /** Takes no request any more, and hangs up on those that are under way. */
  close(): void;
}

/**
 * Answers HTTP requests.
 *
 * @throws SoniqError if it cannot listen there
 */
export async function listen(
  fetch: (request: Request, from: object) => Response | Promise<Response>,
  { port, hostname, flags }: ListenOptions,
): Promise<Listening> {
  const { server, info } = await new Promise<{ server: Server; info: AddressInfo }>((listening, failed) => {
    const options = { fetch, port, ...(hostname !== undefined && { hostname }) };
    const opened = serve(options, (address) => listening({ server: opened, info: address })) as Server;
    opened.once("error", failed);
  }).catch((error: unknown) => {
    throw new SoniqError(`cannot listen on ${flags}port ${port}: ${reason(error, flags)}`);
  });
  const host = info.family === "IPv6" ? `[${info.address}]` : info.address;
  return {
    address: `http://${host}:${info.port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function reason(error: unknown, flags: string): string {
  const code = errorCode(error);
  if (code === "EADDRINUSE") return "it is taken: stop what listens there, or give another port";
  if (code === "EACCES") return "this user may not listen there: give a port above 1023";
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") return `this machine has no such address: check ${flags}host`;
  return String(code ?? error);
}
