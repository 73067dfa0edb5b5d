import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { afterAll } from "vitest";

/** The network between a worker and PostgreSQL, which fails when it is told to. */
export interface Network {
  /** Where PostgreSQL is reached through it. */
  readonly url: string;
  /** Breaks all connections; new ones can be made at once. */
  cut(): void;
  /** Lets nothing more pass through the connections there are, and says nothing of it; new ones can be made at once. */
  swallow(): void;
  /**
   * Breaks a connection as the reply comes to a statement that contains this text: the statement has been carried out, and
   * who sent it cannot know. Resolves when that has happened.
   */
  loseReplyTo(text: string): Promise<void>;
  /** Breaks a connection instead of passing on a statement that contains this text. Resolves when that has happened. */
  cutBefore(text: string): Promise<void>;
}

const commandComplete = "C".charCodeAt(0);

/** A network of the test's own. @param url where PostgreSQL is */
export async function networkTo(url: string): Promise<Network> {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  const silent = new WeakSet<Socket>();
  let losing: { text: string; lost: () => void } | undefined;
  let cutting: { text: string; done: () => void } | undefined;
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    const both = [client, upstream];
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
    let listening: { lost: () => void; read: Buffer } | undefined;
    client.on("data", (chunk) => {
      if (silent.has(client)) return;
      if (cutting && chunk.includes(cutting.text)) {
        cutting.done();
        cutting = undefined;
        return end();
      }
      if (losing && chunk.includes(losing.text)) {
        listening = { lost: losing.lost, read: Buffer.alloc(0) };
        losing = undefined;
      }
      upstream.write(chunk);
    });
    upstream.on("data", (chunk) => {
      if (silent.has(upstream)) return;
      if (listening) {
        listening.read = Buffer.concat([listening.read, chunk]);
        if (messageTypes(listening.read).includes(commandComplete)) {
          end();
          return listening.lost();
        }
      }
      client.write(chunk);
    });
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const through = new URL(url);
  through.hostname = "127.0.0.1";
  through.port = String((server.address() as AddressInfo).port);
  const cut = () => sockets.forEach((socket) => socket.destroy());
  afterAll(() => {
    cut();
    server.close();
  });
  return {
    url: through.href,
    cut,
    swallow: () => sockets.forEach((socket) => silent.add(socket)),
    loseReplyTo: (text) => new Promise((lost) => (losing = { text, lost })),
    cutBefore: (text) => new Promise((done) => (cutting = { text, done })),
  };
}

/** The types of the messages in a stream of PostgreSQL's protocol, the last of which may be incomplete. */
function messageTypes(stream: Buffer): number[] {
  const types: number[] = [];
  for (let at = 0; at + 5 <= stream.length; at += 1 + stream.readInt32BE(at + 1)) types.push(stream[at] as number);
  return types;
}
