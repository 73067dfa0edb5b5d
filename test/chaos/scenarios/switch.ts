// The address under which a pair of servers is reached: it leads to one of them.
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface Switch {
  readonly url: string;
  /** New connections lead there; old ones are as they are. */
  switchTo(url: string): void;
  close(): void;
}

/** @param to a connection string; the switch has another port, and all else of it */
export async function openSwitch(to: string): Promise<Switch> {
  let target = new URL(to);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    const both = [client, upstream];
    for (const socket of both) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        both.forEach((one) => one.destroy());
      });
    }
    client.pipe(upstream);
    upstream.pipe(client);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const through = new URL(to);
  through.port = String((server.address() as AddressInfo).port);
  return {
    url: through.href,
    switchTo: (url) => (target = new URL(url)),
    close() {
      server.close();
      sockets.forEach((socket) => socket.destroy());
    },
  };
}
