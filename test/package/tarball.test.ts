import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { links } from "../laws/markdown.ts";
import { pages } from "../laws/pages.ts";
import { pack, root, succeed, temporaryFolder } from "./fresh-project.ts";

const folder = temporaryFolder();
const packed = pack(folder).then(async (tarball) =>
  (await succeed(folder, ["tar", "-tzf", tarball])).trim().split("\n"),
);

const files = (path: string) =>
  readdirSync(join(root, path), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length));

test("the tarball has what is built, the schema's sources, the migrations and the pages, and nothing else", async () => {
  // The dashboard's page is bundled, and becomes a module.
  const compiled = files("src").filter((path) => !/^src\/dashboard\/(app\/|page\.d\.ts$)/.test(path));
  const sources = [...compiled, ...files("schema")].map((path) => path.replace(/\.ts$/, ""));
  const expected = [
    "package.json",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "ARCHITECTURE.md",
    "RELIABILITY.md",
    ...files("docs").filter((path) => path.endsWith(".md")),
    ...["dashboard", "deploy", "features", "grafana"].flatMap((example) => files(`examples/${example}`)),
    "bin/soniq-drizzle.js",
    ...files("schema"),
    ...files("migrations").filter((path) => path.endsWith(".sql")),
    ...["package.json", ...files("schema")].map((path) => `dist/commonjs/${path}`),
    ...["LICENSES.txt", "page.js"].map((file) => `dist/dashboard/${file}`),
    ...["drizzle-orm.js", "pg-core.js"].map((file) => `dist/drizzle/${file}`),
    ...sources.flatMap((path) => [`dist/${path}.js`, `dist/${path}.d.ts`]),
  ];
  expect((await packed).toSorted()).toEqual(expected.map((path) => `package/${path}`).toSorted());
});

test("what the pages link to is in the tarball, or of the kinds that README says are not", async () => {
  const listed = await packed;
  const linked = pages
    .filter((page) => listed.includes(`package/${page}`))
    .flatMap((page) => links(page, readFileSync(join(root, page), "utf8")).map(({ file }) => file))
    .filter((file) => !/^(src|test|bench|examples\/shop)\b|^CONTRIBUTING\.md$|\.png$/.test(file))
    .filter((file) => !listed.some((path) => path === `package/${file}` || path.startsWith(`package/${file}/`)));
  expect(linked).toEqual([]);
});

test("what the packing built stays out of the repository's way", () => {
  expect(existsSync(join(folder, "repository/dist"))).toBe(true);
  expect(readdirSync(root).filter((file) => file.endsWith(".tgz"))).toEqual([]);
});

// Each importing file costs 10 ms on Node 24, which parses drizzle-orm's large package.json each time.
test("one file imports drizzle-orm, and one its pg-core", () => {
  const imports = (name: string) =>
    files("dist").filter(
      (path) => path.endsWith(".js") && readFileSync(join(root, path), "utf8").includes(`from "${name}"`),
    );
  expect(imports("drizzle-orm")).toEqual(["dist/drizzle/drizzle-orm.js"]);
  expect(imports("drizzle-orm/pg-core")).toEqual(["dist/drizzle/pg-core.js"]);
});
