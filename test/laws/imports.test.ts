// Which room may know of which. What each is for, ARCHITECTURE.md says.
import { expect, test } from "vitest";
import { page, type SourceFile, sourceFiles } from "./source-files.ts";

const foundation = ["schema", "src/core"];
/** The rooms of `src/jobs` and of `src/worker`, each after those that it may import. */
const ofJobs = ["definition", "row", "enqueue", "claim", "settle", "read", "control", "upkeep"].map(
  (room) => `src/jobs/${room}`,
);
const ofWorker = ["events", "timing", "settings", "connections", "settle", "attempt", "queue", "session", "tasks"].map(
  (room) => `src/worker/${room}`,
);
const worker = [...ofWorker, "src/worker"];
const verbs = [...foundation, "src/sessions", ...ofJobs];
const engine = [
  ...verbs,
  "src/database",
  "src/dead-letters",
  "src/queues",
  "src/schedules",
  "src/webhooks",
  "src/audit",
];

/** A room, and the rooms whose files its own may import. Rooms that do not name each other are siblings. */
const mayImport: Record<string, readonly string[]> = {
  schema: [],
  "src/core": ["schema"],
  "src/database": foundation,
  "src/sessions": foundation,
  ...inOrder(ofJobs, [...foundation, "src/sessions"]),
  "src/dead-letters": verbs,
  "src/queues": verbs,
  "src/schedules": verbs,
  "src/webhooks": verbs,
  "src/waiting": [...verbs, "src/database"],
  "src/audit": verbs,
  "src/stats": verbs,
  ...inOrder(worker, [...engine, "src/stats"]),
  "src/metrics": [...engine, "src/stats", ...worker],
  "src/dashboard": [...engine, "src/stats"],
  "src/dashboard/app": ["src/dashboard"],
  "src/testing": [...engine, ...worker],
  "src/cli": [...engine, "src/stats", ...worker, "src/metrics", "src/dashboard"],
};

/** What the package offers: these gather from any room, and no room imports them. */
const surfaces = new Set([
  "src/index.ts",
  "src/admin.ts",
  "src/dashboard.ts",
  "src/metrics.ts",
  "src/testing.ts",
  "src/webhooks.ts",
]);

function inOrder(rooms: readonly string[], before: readonly string[]): Record<string, readonly string[]> {
  return Object.fromEntries(rooms.map((room, i) => [room, [...before, ...rooms.slice(0, i)]]));
}

const files = sourceFiles();
const byPath = new Map(files.map((file) => [file.path, file]));
const isIn = (room: string, file: SourceFile) =>
  file.room === room || (file.room.startsWith(`${room}/`) && file.room !== page);
const inRoom = (room: string) => files.filter((file) => isIn(room, file));
const outside = (...rooms: string[]) => files.filter((file) => !rooms.some((room) => isIn(room, file)));

/** One line per file and what is wrong with it: an empty list is what every law asks for. */
function offences(among: readonly SourceFile[], of: (file: SourceFile) => readonly string[]): string[] {
  return among.flatMap((file) => of(file).map((offence) => `${file.path}: ${offence}`));
}

const imported = (among: readonly SourceFile[], forbidden: (name: string) => boolean) =>
  offences(among, ({ imports }) => imports.filter(forbidden).map((name) => `imports ${name}`));

const said = (among: readonly SourceFile[], forbidden: RegExp) =>
  offences(among, ({ code }) => [...code.matchAll(forbidden)].map(([words]) => `says ${words}`));

test("every file is in a room that has its place here", () => {
  expect(files.map(({ room }) => room).filter((room) => !surfaces.has(room) && !(room in mayImport))).toEqual([]);
});

test("every import is found, and names a file that exists", () => {
  expect(imported(files, (name) => /^(src|schema|\.)/.test(name) && !byPath.has(name))).toEqual([]);
  expect(byPath.get("src/index.ts")?.imports).toContain("src/jobs/enqueue/enqueue.ts");
  // What the light parser does not read, nobody may write.
  expect(said(files, /\bimport\(\s*`|\bfrom\s*'|^import .*=.*require/gm)).toEqual([]);
});

test("a file imports its own room and the rooms that came before it", () => {
  const strangers = offences(files, (file) =>
    surfaces.has(file.path)
      ? []
      : file.imports.flatMap((path) => {
          const room = byPath.get(path)?.room;
          const known = room === undefined || room === file.room || mayImport[file.room]?.includes(room);
          return known ? [] : [`imports ${path}`];
        }),
  );
  expect(strangers).toEqual([]);
});

test("no file imports itself, directly or through others", () => {
  const finished = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, way: readonly string[]) => {
    if (way.includes(path)) cycles.push([...way.slice(way.indexOf(path)), path].join(" → "));
    if (way.includes(path) || finished.has(path)) return;
    for (const next of byPath.get(path)?.imports ?? []) visit(next, [...way, path]);
    finished.add(path);
  };
  for (const { path } of files) visit(path, []);
  expect(cycles).toEqual([]);
});

test("the schema imports drizzle-orm and its own files, and nothing else", () => {
  expect(imported(inRoom("schema"), (name) => !/^(drizzle-orm(\/pg-core)?$|schema\/)/.test(name))).toEqual([]);
});

test("only src/database knows the driver", () => {
  const drivers = /^(postgres|pg|drizzle-orm\/(?!pg-core$).*)$/;
  expect(imported(outside("src/database"), (name) => drivers.test(name))).toEqual([]);
});

test("src/worker, src/waiting and src/dashboard hold no SQL", () => {
  const rooms = [...inRoom("src/worker"), ...inRoom("src/waiting"), ...inRoom("src/dashboard")];
  expect(imported(rooms, (name) => /^(schema\/|drizzle-orm)/.test(name))).toEqual([]);
  expect(said(rooms, /\bsql`|\b(db|tx)\.execute\(/g)).toEqual([]);
});

test("what not everybody has installed, the modules offered for it import, and nothing else imports those", () => {
  const optional = { "src/database/node-postgres.ts": "pg", "src/database/pglite.ts": "drizzle-orm/pglite" };
  for (const [module, driver] of Object.entries(optional)) {
    expect(byPath.get(module)?.imports).toContain(driver);
    const others = files.filter(({ path }) => path !== module);
    expect(imported(others, (name) => name === driver || name === module)).toEqual([]);
  }
});

test("src/jobs knows no time: the database's clock tells it", () => {
  const clocks =
    /\b(setTimeout|setInterval|setImmediate|Date\.now|performance|hrtime)\b|\bnew Date\(\)|"(node:)?timers[^"]*"/g;
  expect(said(inRoom("src/jobs"), clocks)).toEqual([]);
});

test("only src/worker, src/waiting the page and what it sees live sleep", () => {
  const timers = /\b(setTimeout|setInterval|setImmediate)\b|"(node:)?timers[^"]*"|\bpg_sleep\b/g;
  // Neither giving up on a reply is a sleep, nor letting others have the event loop between long computations.
  const may = new Set([
    "src/database/watch-replies.ts",
    "src/dashboard/live-feed.ts",
    "src/schedules/list-schedules.ts",
  ]);
  const others = outside("src/worker", "src/waiting", page).filter(({ path }) => !may.has(path));
  expect(said(others, timers)).toEqual([]);
});

test("the page knows of the rest what the API answers, and nobody knows the page", () => {
  const itsOwn = /^(src\/dashboard\/app\/|src\/dashboard\/wire\.ts$|preact(\/hooks)?$|uplot$)/;
  expect(imported(inRoom(page), (name) => !itsOwn.test(name))).toEqual([]);
  expect(imported(outside(page), (name) => name.startsWith(page))).toEqual([]);
});

test("the page writes no HTML and runs no text, whatever is in the database", () => {
  const unsafe =
    /\b(dangerouslySetInnerHTML|(inner|outer)HTML|insertAdjacentHTML|srcdoc|DOMParser|eval)\b|document\.write|new Function|javascript:/g;
  expect(said(inRoom(page), unsafe)).toEqual([]);
});

test("no file of ours is looked up at run time: a bundle has none, and a CommonJS test runner no import.meta", () => {
  expect(said(outside(page), /\bimport\.meta\b|\bcreateRequire\b|\b__(?:dir|file)name\b/g)).toEqual([]);
});

test("no module keeps a variable that changes", () => {
  expect(said(files, /^(export )?(let|var) .*$/gm)).toEqual([]);
});

test("what is exported has a name", () => {
  expect(said(files, /^export default\b|\bas default\b/gm)).toEqual([]);
});

test("rooms have no barrels, and no files named after nothing", () => {
  const barrels = files.filter(({ path }) => /^src\/.+\/index\.ts$/.test(path));
  const nameless = files.filter(({ path }) => /\/(utils?|types?|helpers?|common|shared|misc)\.ts$/.test(path));
  expect([...barrels, ...nameless].map(({ path }) => path)).toEqual([]);
});

test("no file is longer than 300 lines, but the one that is generated", () => {
  const written = files.filter(({ path }) => path !== "src/database/migrations.ts");
  const long = offences(written, ({ text }) => {
    const lines = text.trimEnd().split("\n").length;
    return lines > 300 ? [`has ${lines} lines`] : [];
  });
  expect(long).toEqual([]);
});
