// The network between one worker and PostgreSQL, which fails as it is told to.
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** Where to cut a connection: in which statement, on the way there or back, after how many bytes. */
interface Cut {
  /** What the statement's text matches. */
  readonly text: RegExp;
  readonly side: "request" | "reply";
  readonly bytes: number;
  /** Only a reply that brings rows. */
  readonly withRows: boolean;
}

/** Latency of each packet, both ways, and the size of the pieces it is handed on in. */
interface Delay {
  readonly ms: number;
  readonly jitterMs: number;
  readonly pieceBytes: number;
}

export interface Proxy {
  /** Where PostgreSQL is reached through it. */
  readonly url: string;
  /** Those of its connections to PostgreSQL, as PostgreSQL sees them. */
  ports(): number[];
  /** Cuts a connection in the next such statement. Resolves with whether there was one in time. */
  cut(cut: Cut, withinMs: number): Promise<boolean>;
  /** Swallows all that is sent, on old connections and new ones, and says nothing of it; {@link heal} breaks them. */
  blackHole(): void;
  delay(delay: Delay): void;
  /** Ends what {@link blackHole} and {@link delay} began. */
  heal(): void;
  close(): void;
}

/** @param url where PostgreSQL is */
export async function proxyTo(url: string): Promise<Proxy> {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  const swallowed = new Set<Socket>();
  const upstreams = new Set<Socket>();
  let swallowing = false;
  let delay: Delay | undefined;
  let armed: { cut: Cut; hit: () => void } | undefined;
  const strike = () => {
    armed?.hit();
    armed = undefined;
  };

  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    const both = [client, upstream];
    upstreams.add(upstream);
    const end = () => both.forEach((socket) => socket.destroy());
    for (const socket of both) {
      sockets.add(socket);
      if (swallowing) swallowed.add(socket);
      socket.setNoDelay(true);
      socket.on("error", end);
      socket.on("close", () => {
        sockets.delete(socket);
        upstreams.delete(socket);
        swallowed.delete(socket);
        end();
      });
    }
    const pass = (to: Socket) => passer(to, () => delay);
    const toServer = pass(upstream);
    const statementsIn = readStatements();
    const toClient = pass(client);
    /** The cut that waits for its statement's reply, and then the bytes of it that still pass. */
    let awaited: Cut | undefined;
    let bytesLeft: number | undefined;

    client.on("data", (chunk) => {
      if (swallowed.has(client)) return;
      const statements = statementsIn(chunk);
      const cut = armed?.cut;
      if (!cut || !statements.some((text) => cut.text.test(text))) return toServer(chunk);
      if (cut.side === "reply") {
        awaited = cut;
        return toServer(chunk);
      }
      strike();
      toServer(chunk.subarray(0, cut.bytes), end);
    });
    upstream.on("data", (chunk) => {
      if (swallowed.has(upstream)) return;
      if (awaited) {
        const struck = armed?.cut === awaited && !(awaited.withRows && !hasRows(chunk));
        if (struck) {
          bytesLeft = awaited.bytes;
          strike();
        }
        if (struck || isReadyForQuery(chunk)) awaited = undefined;
      }
      if (bytesLeft === undefined) return toClient(chunk);
      const last = bytesLeft <= chunk.length || isReadyForQuery(chunk);
      const part = chunk.subarray(0, bytesLeft);
      bytesLeft -= part.length;
      toClient(part, last ? end : undefined);
    });
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const through = new URL(url);
  through.hostname = "127.0.0.1";
  through.port = String((server.address() as AddressInfo).port);
  return {
    url: through.href,
    ports: () => [...upstreams].flatMap(({ localPort }) => localPort ?? []),
    async cut(cut, withinMs) {
      const stop = new AbortController();
      const hit = new Promise<true>((resolve) => (armed = { cut, hit: () => resolve(true) }));
      const late = sleep(withinMs, false, { signal: stop.signal }).catch(() => false);
      const cutOne = await Promise.race([hit, late]);
      stop.abort();
      armed = undefined;
      return cutOne;
    },
    blackHole() {
      swallowing = true;
      for (const socket of sockets) swallowed.add(socket);
    },
    delay: (set) => void (delay = set),
    heal() {
      delay = undefined;
      swallowing = false;
      for (const socket of swallowed) socket.destroy();
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Hands chunks on in order, each after the delay of its time. */
function passer(to: Socket, delayNow: () => Delay | undefined): (chunk: Buffer, then?: () => void) => void {
  let waiting = 0;
  let last: Promise<void> = Promise.resolve();
  return (chunk, then) => {
    const delay = delayNow();
    if (!delay && waiting === 0) return void to.write(chunk, then);
    waiting += 1;
    const due = delay ? delay.ms + Math.random() * delay.jitterMs : 0;
    const ready = sleep(due);
    const pass = async (before: Promise<void>) => {
      await before;
      await ready;
      const size = delay?.pieceBytes ?? chunk.length;
      for (let at = 0; at < chunk.length; at += size) {
        to.write(chunk.subarray(at, at + size));
        if (at + size < chunk.length) await new Promise(setImmediate);
      }
      to.write("", then);
      waiting -= 1;
    };
    last = pass(last);
  };
}

/** @returns a function that reads what a client sends, and answers with the texts of the statements that this chunk executes */
function readStatements(): (chunk: Buffer) => string[] {
  const prepared = new Map<string, string>();
  let unread = Buffer.alloc(0);
  let hasStarted = false;
  return (chunk) => {
    unread = Buffer.concat([unread, chunk]);
    const executed: string[] = [];
    for (;;) {
      // The first message of a connection has no type.
      const lengthAt = hasStarted ? 1 : 0;
      if (unread.length < lengthAt + 4) return executed;
      const end = lengthAt + unread.readInt32BE(lengthAt);
      if (unread.length < end) return executed;
      const type = hasStarted ? String.fromCharCode(unread[0] as number) : "startup";
      const first = textAt(unread, lengthAt + 4);
      const second = () => textAt(unread, first.end + 1).text;
      // Parse names a text, bind has a name carried out, query sends the text itself.
      if (type === "P") prepared.set(first.text, second());
      if (type === "B") executed.push(prepared.get(second()) ?? "");
      if (type === "Q") executed.push(first.text);
      hasStarted = true;
      unread = unread.subarray(end);
    }
  };
}

function textAt(buffer: Buffer, from: number): { text: string; end: number } {
  const end = buffer.indexOf(0, from);
  return { text: buffer.toString("utf8", from, end), end };
}

/** Whether there is a row in the messages that begin with this chunk. */
function hasRows(chunk: Buffer): boolean {
  for (let at = 0; at + 5 <= chunk.length; at += 1 + chunk.readInt32BE(at + 1)) {
    if (chunk[at] === "D".charCodeAt(0)) return true;
  }
  return false;
}

/** The last message of a reply: `Z`, its length of 5, and the transaction's state. */
function isReadyForQuery(chunk: Buffer): boolean {
  return chunk.length >= 6 && chunk.at(-6) === "Z".charCodeAt(0) && chunk.readInt32BE(chunk.length - 5) === 5;
}
