// Compiles to dist/, and adds the dashboard's page and the type declarations for CommonJS projects.
// Bundlers include only modules, not files that are read at run time, so the SQL and the page are turned into modules.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { build } from "esbuild";

// The migrations module is committed because the tests run the sources without a build.
const templateLiteral = (text) => `\`${text.replace(/[\\`]|\$\{/g, "\\$&")}\``;
const migrations = readdirSync("migrations")
  .filter((file) => file.endsWith(".sql"))
  .toSorted()
  .map((file) => `  "${basename(file, ".sql")}": ${templateLiteral(readFileSync(`migrations/${file}`, "utf8"))},\n`);
writeFileSync(
  "src/database/migrations.ts",
  `/** The SQL of each migration by its name, in order: generated from migrations/ by \`npm run build\`. */
export const migrations: Readonly<Record<string, string>> = {
${migrations.join("")}};
`,
);

rmSync("dist", { recursive: true, force: true });
execFileSync("tsc", ["-p", "tsconfig.build.json"], { stdio: "inherit", shell: process.platform === "win32" });

// Node 24 parses the package.json of drizzle-orm, which has 180 KB, each time that a file imports it. So only one file of ours does.
const importsDrizzle = /(?<=^(?:import|export) [^;]*?from )"(drizzle-orm(?:\/pg-core)?)"(?=;)/gm;
const drizzleFolder = "dist/drizzle";
const compiled = ["dist/src", "dist/schema"].flatMap((folder) =>
  readdirSync(folder, { recursive: true }).map((name) => join(folder, name)),
);
for (const file of compiled.filter((name) => name.endsWith(".js"))) {
  const text = readFileSync(file, "utf8");
  const drizzle = relative(dirname(file), drizzleFolder).replaceAll("\\", "/");
  writeFileSync(
    file,
    text.replace(importsDrizzle, (_, name) => `"${drizzle}/${basename(name)}.js"`),
  );
}
mkdirSync(drizzleFolder);
for (const name of ["drizzle-orm", "drizzle-orm/pg-core"])
  writeFileSync(`${drizzleFolder}/${basename(name)}.js`, `export * from "${name}";\n`);

// Drizzle's types for CommonJS differ from its types for ESM, and table types must be inferred from the matching ones. So
// the schema sources are copied below a package.json with "type": "commonjs". At run time, both share the one ESM build.
cpSync("schema", "dist/commonjs/schema", { recursive: true });
writeFileSync("dist/commonjs/package.json", '{ "type": "commonjs" }\n');

// The page is self-contained: it loads nothing from other hosts.
const { outputFiles } = await build({
  entryPoints: [
    { in: "src/dashboard/app/main.tsx", out: "app" },
    { in: "src/dashboard/app/app.css", out: "app" },
  ],
  outdir: "page",
  write: false,
  bundle: true,
  minify: true,
  ignoreAnnotations: true,
  format: "esm",
  target: "es2022",
  tsconfig: "src/dashboard/app/tsconfig.json",
});
const page = Object.fromEntries(outputFiles.map(({ path, text }) => [basename(path), text]));
page["index.html"] = readFileSync("src/dashboard/app/index.html", "utf8");
mkdirSync("dist/dashboard");
writeFileSync("dist/dashboard/page.js", `export const files = ${JSON.stringify(page, null, 2)};\n`);
const licenses = ["preact", "uplot"].map(
  (name) => `${name}\n\n${readFileSync(`node_modules/${name}/LICENSE`, "utf8")}`,
);
writeFileSync("dist/dashboard/LICENSES.txt", licenses.join("\n\n"));
