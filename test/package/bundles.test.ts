// The packed package in bundles, as esbuild makes them for images and functions: run where nothing else is.
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { beforeAll, describe, expect, test } from "vitest";
import { testDatabase } from "../support/database.ts";
import { pack, root, succeed, temporaryFolder } from "./fresh-project.ts";

const folder = temporaryFolder();
const application = join(folder, "application");
const empty = join(folder, "empty");

beforeAll(async () => {
  const tarball = await pack(folder);
  const installed = join(application, "node_modules/soniq-drizzle");
  mkdirSync(installed, { recursive: true });
  mkdirSync(empty);
  cpSync(join(import.meta.dirname, "bundled"), application, { recursive: true });
  await succeed(installed, ["tar", "-xzf", tarball, "--strip-components=1"]);
});

/** Bundles a sample program. @returns the bundle's path, and the files that it is made of */
async function bundle(
  program: string,
  format: "esm" | "cjs",
  minify = false,
): Promise<{ path: string; files: string[] }> {
  const path = join(empty, `${program}.${format === "esm" ? "mjs" : "cjs"}`);
  const { metafile } = await build({
    entryPoints: [join(application, `${program}.ts`)],
    outfile: path,
    bundle: true,
    platform: "node",
    format,
    minify,
    metafile: true,
    logLevel: "silent",
    // The packages that an application brings, and those that ours asks for.
    nodePaths: [join(root, "node_modules")],
  });
  const [output] = Object.values(metafile.outputs);
  const kept = Object.entries(output?.inputs ?? {}).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  return { path, files: kept.map(([file]) => file) };
}

describe.each(["esm", "cjs"] as const)("bundled as %s, and run from an empty folder", (format) => {
  const database = testDatabase({ migrated: false });
  const runBundle = async (program: string) => {
    const { path } = await bundle(program, format, true);
    const { url } = await database;
    return succeed(empty, [process.execPath, path], { DATABASE_URL: url });
  };

  test("a deployment makes the tables", async () => {
    expect(await runBundle("migrate")).toBe("0000_soniq\n");
  });

  test("an application enqueues", async () => {
    expect(await runBundle("enqueue")).toBe("send-invoice is enqueued\n");
  });

  test("a worker runs the job", async () => {
    expect(await runBundle("work")).toBe("send-invoice is completed\n");
  });

  test("the dashboard has its page", async () => {
    expect(await runBundle("dashboard")).toBe(
      [
        "/ 200 text/html; charset=UTF-8",
        "/app.js 200 text/javascript; charset=utf-8",
        "/app.css 200 text/css; charset=utf-8",
        "/api/session 200 application/json\n",
      ].join("\n"),
    );
  });
});

test("the bundle of an application that only enqueues has neither the worker in it nor what that needs", async () => {
  const { files } = await bundle("enqueue", "esm");
  expect(files).toContainEqual(expect.stringContaining("soniq-drizzle/dist/src/jobs/enqueue/enqueue.js"));
  const others =
    /dist\/src\/(worker|schedules|webhooks|dashboard|cli)\/|node_modules\/(luxon|cron-parser|standardwebhooks|hono)\//;
  expect(files.filter((file) => others.test(file))).toEqual([]);
});
