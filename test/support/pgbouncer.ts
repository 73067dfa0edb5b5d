// A PgBouncer in transaction mode between a test and PostgreSQL, where it is installed.
import { type ChildProcess, spawn } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll } from "vitest";

/** Where it is; undefined if it is not installed. Debian puts it beside the servers. */
export const pgbouncer = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin"]
  .map((folder) => join(folder, "pgbouncer"))
  .find(existsSync);

/** It refuses to run as root. */
const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : undefined;

/**
 * Starts one of this test file's own.
 *
 * @param url where PostgreSQL is
 * @param settings of PgBouncer, such as `{ ignore_startup_parameters: "lock_timeout" }`
 * @returns where PostgreSQL is reached through it
 */
export async function startPgBouncer(url: string, settings: Record<string, string> = {}): Promise<string> {
  const home = mkdtempSync(join(tmpdir(), "soniq-pgbouncer-"));
  const port = await freePort();
  const { hostname, port: serverPort, username, password } = new URL(url);
  const all = {
    listen_addr: "127.0.0.1",
    listen_port: String(port),
    unix_socket_dir: "",
    // Whoever asks is let in, as the user of the line above.
    auth_type: "any",
    pool_mode: "transaction",
    default_pool_size: "5",
    ...settings,
  };
  const server = `host=${hostname} port=${serverPort} user=${username} password=${decodeURIComponent(password)}`;
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`);
  const file = join(home, "pgbouncer.ini");
  writeFileSync(file, ["[databases]", `* = ${server}`, "[pgbouncer]", ...lines, ""].join("\n"), { mode: 0o600 });
  if (nobody) for (const path of [home, file]) chownSync(path, nobody.uid, nobody.gid);
  const child = spawn(pgbouncer as string, [file], { ...nobody, cwd: home, stdio: ["ignore", "ignore", "pipe"] });
  const stop = () => child.kill("SIGKILL");
  process.once("exit", stop);
  afterAll(() => {
    stop();
    process.removeListener("exit", stop);
    rmSync(home, { recursive: true, force: true });
  });
  await ready(child);
  const through = new URL(url);
  through.hostname = "127.0.0.1";
  through.port = String(port);
  return through.href;
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-10_000);
      if (log.includes("process up")) resolve();
    });
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`PgBouncer ended with status ${code} before it was ready:\n${log}`)));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
