// examples/deploy: what its files say must be true of the program that they run.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createMigrateCommand } from "../../src/cli/commands/migrate.ts";
import { createWorkCommand } from "../../src/cli/commands/work.ts";
import { serveHealth } from "../../src/cli/health-server.ts";
import { parseDurationMs, type Duration } from "../../src/core/duration.ts";
import { parseConfig } from "../../src/worker/settings/settings.ts";
import { readYaml, type Yaml } from "../support/yaml.ts";

const folder = new URL("../../examples/deploy/", import.meta.url);
const read = (name: string) => readFileSync(new URL(name, folder), "utf8");

/** What a path of keys leads to; `0` is a list's first item. */
function at<T extends Yaml>(value: Yaml, path: string): T {
  return path.split(".").reduce<Yaml>((inner, key) => {
    const next = (inner as Record<string, Yaml>)[key];
    if (next === undefined) throw new Error(`there is no ${path}`);
    return next;
  }, value) as T;
}

const compose = readYaml(read("compose.yaml"));
const kubernetes = readYaml(read("kubernetes.yaml"));
const pod = at(kubernetes, "spec.template.spec");
const container = at(pod, "containers.0");
const unit = Object.fromEntries(
  read("soniq-worker.service")
    .split("\n")
    .filter((line) => /^\w+=/.test(line))
    .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
);
const dockerfile = (instruction: string) =>
  JSON.parse(new RegExp(`^${instruction} (\\[.*\\])$`, "m").exec(read("Dockerfile"))?.[1] ?? "null") as string[];

const program = "node_modules/soniq-drizzle/bin/soniq-drizzle.js";

/** The command lines that the files run our program with. */
const commandLines: Record<string, string[]> = {
  systemd: (unit["ExecStart"] as string).split(" ").slice(2),
  docker: dockerfile("CMD"),
  compose: at<string[]>(compose, "services.worker.command"),
  "compose's migration": at<string[]>(compose, "services.migrate.command"),
  kubernetes: at<string[]>(container, "args"),
};

/** What a command line means to the program itself, which refuses what it does not know. */
function optionsOf([name, ...args]: readonly string[]): { healthPort?: number } {
  const command = [createWorkCommand(), createMigrateCommand()].find((one) => one.name() === name);
  if (!command) throw new Error(`there is no command ${name}`);
  return command
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .action(() => {})
    .parse(args, { from: "user" })
    .opts();
}

describe("each command line is one that the program takes:", () => {
  test.each(Object.entries(commandLines))("%s", (_, line) => {
    expect(() => optionsOf(line)).not.toThrow();
  });

  test("they run the program itself, which signals reach", () => {
    expect(unit["ExecStart"]).toMatch(new RegExp(`^/usr/bin/node ${program} `));
    expect(dockerfile("ENTRYPOINT")).toEqual(["node", program]);
    expect((JSON.parse(readFileSync("package.json", "utf8")) as { bin: unknown }).bin).toEqual({
      "soniq-drizzle": program.replace("node_modules/soniq-drizzle/", ""),
    });
  });
});

test("each probe asks for what there is, on the port where it is", async () => {
  const port = optionsOf(commandLines["kubernetes"] as string[]).healthPort;
  expect(port).toBe(at(container, "ports.0.containerPort"));
  const probes = ["startupProbe", "livenessProbe", "readinessProbe"].map((probe) => at(container, `${probe}.httpGet`));
  expect(probes.map((probe) => at(probe, "port"))).toEqual(Array(3).fill(at(container, "ports.0.name")));
  const own = at<string[]>(compose, "services.worker.healthcheck.test").join(" ");
  const [, ownPort, ownPath] = /fetch\('http:\/\/127\.0\.0\.1:(\d+)(\/\w+)'\)/.exec(own) as unknown as string[];
  expect(Number(ownPort)).toBe(optionsOf(commandLines["compose"] as string[]).healthPort);
  expect(read("Dockerfile")).toContain(`EXPOSE ${optionsOf(commandLines["docker"] as string[]).healthPort}\n`);

  const paths = [...probes.map((probe) => at<string>(probe, "path")), ownPath as string];
  expect(paths).toEqual(["/livez", "/livez", "/readyz", "/livez"]);
  const health = () => ({ state: "working", live: true, ready: true, reasons: [] }) as const;
  const address = await serveHealth(health, 0, { hostname: "127.0.0.1" });
  for (const path of paths) expect((await fetch(address + path)).status).toBe(200);
});

test("nobody kills a worker before it has drained, and has ended its session although PostgreSQL is away", () => {
  const { shutdownTimeoutMs } = parseConfig({ connection: "postgres://host/database", jobs: {}, handlers: {} });
  const killed = [
    unit["TimeoutStopSec"] as Duration,
    at<string>(compose, "services.worker.stop_grace_period") as Duration,
    `${at<number>(pod, "terminationGracePeriodSeconds")}s` as const,
  ];
  for (const time of killed) expect(parseDurationMs(time, "it")).toBeGreaterThan(shutdownTimeoutMs + 12_500);
  expect(unit["KillSignal"]).toBe("SIGTERM");
});

test("no file holds a password", () => {
  for (const file of ["compose.yaml", "kubernetes.yaml", "soniq-worker.service", "Dockerfile"])
    expect(read(file).replaceAll(/:\$\{DB_PASSWORD\}@/g, "@")).not.toMatch(/:\/\/[^/\s]*:[^/\s]*@/);
});

test("the pods that the Deployment makes are those that it looks for", () => {
  expect(at(kubernetes, "spec.selector.matchLabels")).toEqual(at(kubernetes, "spec.template.metadata.labels"));
});

const analyze = spawnSync("systemd-analyze", ["--version"]);

test.skipIf(analyze.error)("systemd has nothing to say against the unit", () => {
  const home = mkdtempSync(join(tmpdir(), "soniq-unit-"));
  const path = join(home, "soniq-worker.service");
  writeFileSync(path, read("soniq-worker.service").replace("/usr/bin/node", process.execPath));
  const { status, stdout, stderr } = spawnSync("systemd-analyze", ["verify", path], { encoding: "utf8" });
  rmSync(home, { recursive: true });
  expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: "" });
});

describe("the reader of YAML refuses", () => {
  test.each([
    ["a key that comes twice", "a: 1\na: 2", /line 2 repeats a key/],
    ["an indentation that fits nothing", "a:\n    b: 1\n  c: 2", /line 3 is indented like nothing/],
    ["what must be quoted", "a: yes", /line 1 must be quoted/],
    ["a key without a value", "a:\nb: 1", /line 1 has no value/],
    ["a text block", "a: |\n  text", /line 1 must be quoted/],
  ])("%s", (_, source, problem) => {
    expect(() => readYaml(source)).toThrow(problem);
  });
});
