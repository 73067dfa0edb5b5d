import { createHash } from "node:crypto";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { SMTPServer } from "smtp-server";

export interface MailServer {
  readonly url: string;
  /** How often the invoice of each order was accepted, by the order's id. */
  readonly accepted: ReadonlyMap<number, number>;
  /** How often the invoice of each order was refused temporarily. */
  readonly refused: ReadonlyMap<number, number>;
  close(): Promise<void>;
}

/**
 * Starts a mail server on loopback that counts messages and delivers none. It has no mailbox "nobody" (550), and refuses
 * about every fifth message temporarily (451): the same ones in each run.
 */
export async function startMailServer(): Promise<MailServer> {
  const accepted = new Map<number, number>();
  const refused = new Map<number, number>();

  const server = new SMTPServer({
    disabledCommands: ["AUTH", "STARTTLS"],
    disableReverseLookup: true,
    onRcptTo({ address }, _session, reply) {
      reply(address.startsWith("nobody@") ? refusal(550, "5.1.1 No such mailbox") : null);
    },
    async onData(stream, _session, reply) {
      const orderId = orderOf(await text(stream));
      const tries = (refused.get(orderId) ?? 0) + (accepted.get(orderId) ?? 0);
      if (isBusy(orderId, tries)) {
        count(refused, orderId);
        reply(refusal(451, "4.3.2 Busy, please try again later"));
      } else {
        count(accepted, orderId);
        reply();
      }
    },
  });
  // Without a listener, a client that disconnects would end the process.
  server.on("error", () => {});
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));

  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    accepted,
    refused,
    close: () => new Promise((closed) => server.close(closed)),
  };
}

/** Reads the order's id from the message's Message-ID header. */
function orderOf(message: string): number {
  const [, orderId] = /^Message-ID: <invoice-(\d+)@/im.exec(message) ?? [];
  return Number(orderId);
}

function isBusy(orderId: number, tries: number): boolean {
  const digest = createHash("sha256").update(`${orderId}/${tries}`).digest();
  return digest.readUInt8() % 5 === 0;
}

function refusal(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode });
}

function count(counts: Map<number, number>, orderId: number): void {
  counts.set(orderId, (counts.get(orderId) ?? 0) + 1);
}
