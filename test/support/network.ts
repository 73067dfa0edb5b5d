import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { afterAll } from "vitest";

/** The network between a worker and PostgreSQL, which fails when it is told to. */
export interface Network {
  /** Where PostgreSQL is reached through it. */
  readonly url: string;
  /** Breaks all connections; new ones can be made at once. */
  cut(): void;
  /** The same, as a server or a firewall does that knows nothing of them: each end is told of an error. */
  reset(): void;
  /**
   * Lets nothing more pass through the connections there are, or those of them that have said this, and says nothing of it;
   * new ones can be made at once.
   */
  swallow(said?: string): void;
  /** Has everything take so long on its way, in pieces of no more than so many bytes, in the connections made from now on. */
  slow(latencyMs: number, pieceBytes: number): void;
  /**
   * Breaks a connection as the reply comes to a statement that contains this text: the statement has been carried out, and
   * who sent it cannot know. Resolves when that has happened.
   */
  loseReplyTo(text: string, reply?: "with rows"): Promise<void>;
  /** Breaks a connection instead of passing on a statement that contains this text. Resolves when that has happened. */
  cutBefore(text: string): Promise<void>;
  /** Breaks all connections, and refuses new ones until it is back. */
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
  /** How many connections there are. */
  connections(): number;
  /** How many were made so far. */
  accepted(): number;
  /** How many statements were sent through it so far. */
  statements(): number;
}

const commandComplete = "C".charCodeAt(0);
const dataRow = "D".charCodeAt(0);
/** Of the messages that a client sends, those that begin a statement: simple, and extended. */
const [query, parse] = ["Q", "P"].map((letter) => letter.charCodeAt(0)) as [number, number];

/** A network of the test's own. @param url where PostgreSQL is */
export async function networkTo(url: string): Promise<Network> {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  const silent = new WeakSet<Socket>();
  let losing: { text: string; withRows: boolean; lost: () => void } | undefined;
  let cutting: { text: string; done: () => void } | undefined;
  /** What each client has said, and where that goes. */
  const clients = new Map<Socket, { said: string; upstream: Socket }>();
  let statements = 0;
  let accepted = 0;
  let slowness: { latencyMs: number; pieceBytes: number } | undefined;
  const server = createServer((client) => {
    accepted += 1;
    const count = statementCounter(() => (statements += 1));
    const upstream = connect(Number(port), hostname);
    const both = [client, upstream];
    const known = { said: "", upstream };
    clients.set(client, known);
    client.on("close", () => clients.delete(client));
    const end = () => both.forEach((socket) => socket.destroy());
    for (const socket of both) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", end);
      socket.on("close", () => {
        sockets.delete(socket);
        end();
      });
    }
    const pass = slowness ? slowly(slowness) : (to: Socket, chunk: Buffer) => to.write(chunk);
    let listening: { withRows: boolean; lost: () => void; read: Buffer } | undefined;
    client.on("data", (chunk) => {
      if (silent.has(client)) return;
      if (cutting && chunk.includes(cutting.text)) {
        cutting.done();
        cutting = undefined;
        return end();
      }
      if (losing && chunk.includes(losing.text)) {
        listening = { ...losing, read: Buffer.alloc(0) };
        losing = undefined;
      }
      known.said += chunk.toString("latin1");
      count(chunk);
      pass(upstream, chunk);
    });
    upstream.on("data", (chunk) => {
      if (silent.has(upstream)) return;
      if (listening) {
        listening.read = Buffer.concat([listening.read, chunk]);
        // Statements that were sent on this connection before may be answered first: those at a worker's start bring no rows.
        const types = messageTypes(listening.read);
        const from = listening.withRows ? types.indexOf(dataRow) : 0;
        if (from !== -1 && types.lastIndexOf(commandComplete) >= from && types.includes(commandComplete)) {
          end();
          return listening.lost();
        }
      }
      pass(client, chunk);
    });
  });
  const listen = (on: number) => new Promise<void>((ready) => server.listen(on, "127.0.0.1", ready));
  await listen(0);
  const through = new URL(url);
  through.hostname = "127.0.0.1";
  const { port: own } = server.address() as AddressInfo;
  through.port = String(own);
  const cut = () => sockets.forEach((socket) => socket.destroy());
  afterAll(() => {
    cut();
    server.close();
  });
  return {
    url: through.href,
    cut,
    reset: () => sockets.forEach((socket) => socket.resetAndDestroy()),
    swallow(said = "") {
      for (const [client, known] of clients) {
        if (known.said.includes(said)) [client, known.upstream].forEach((socket) => silent.add(socket));
      }
    },
    slow: (latencyMs, pieceBytes) => (slowness = { latencyMs, pieceBytes }),
    loseReplyTo: (text, reply) => new Promise((lost) => (losing = { text, withRows: reply === "with rows", lost })),
    cutBefore: (text) => new Promise((done) => (cutting = { text, done })),
    goAway: () =>
      new Promise((gone) => {
        server.close(() => gone());
        cut();
      }),
    comeBack: () => listen(own),
    connections: () => clients.size,
    accepted: () => accepted,
    statements: () => statements,
  };
}

/** Timers of one length go off in order, so the pieces stay in theirs. */
function slowly({ latencyMs, pieceBytes }: { latencyMs: number; pieceBytes: number }) {
  return (to: Socket, chunk: Buffer) => {
    for (let at = 0; at < chunk.length; at += pieceBytes) {
      const piece = chunk.subarray(at, at + pieceBytes);
      setTimeout(() => !to.destroyed && to.write(piece), latencyMs);
    }
  };
}

/** The types of the messages in a stream of PostgreSQL's protocol, the last of which may be incomplete. */
function messageTypes(stream: Buffer): number[] {
  const types: number[] = [];
  for (let at = 0; at + 5 <= stream.length; at += 1 + stream.readInt32BE(at + 1)) types.push(stream[at] as number);
  return types;
}

/** Reads what a client sends, and counts the statements. Its first message, which has no type, is its introduction. */
function statementCounter(counted: () => void): (chunk: Buffer) => void {
  let read = Buffer.alloc(0);
  let introduced = false;
  return (chunk) => {
    read = Buffer.concat([read, chunk]);
    for (;;) {
      const lengthAt = introduced ? 1 : 0;
      if (read.length < lengthAt + 4) return;
      const end = lengthAt + read.readInt32BE(lengthAt);
      if (read.length < end) return;
      if (introduced && (read[0] === query || read[0] === parse)) counted();
      introduced = true;
      read = read.subarray(end);
    }
  };
}
