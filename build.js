// Compiles to dist/, and puts beside it the dashboard's page and what the types of CommonJS projects need.
// Bundlers take along modules alone, no files that are looked up at run time: so SQL and page become modules.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { build } from "esbuild";

// This one is committed, since the tests run the sources.
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

// Drizzle's types for CommonJS are other types than those for ESM, so tables must be inferred from the same side: the
// schema's sources once more, below a package.json that says so. What runs is the one ESM build, for both.
cpSync("schema", "dist/commonjs/schema", { recursive: true });
writeFileSync("dist/commonjs/package.json", '{ "type": "commonjs" }\n');

// The page brings all that it needs: it loads nothing from elsewhere.
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
