// Compiles to dist/, and puts beside it the dashboard's page and what the types of CommonJS projects need.
import { execFileSync } from "node:child_process";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

rmSync("dist", { recursive: true, force: true });
execFileSync("tsc", ["-p", "tsconfig.build.json"], { stdio: "inherit", shell: process.platform === "win32" });

// Drizzle's types for CommonJS are other types than those for ESM, so tables must be inferred from the same side: the
// schema's sources once more, below a package.json that says so. What runs is the one ESM build, for both.
cpSync("schema", "dist/commonjs/schema", { recursive: true });
writeFileSync("dist/commonjs/package.json", '{ "type": "commonjs" }\n');

// The page brings all that it needs: it loads nothing from elsewhere.
const page = "dist/dashboard/app";
await build({
  entryPoints: [
    { in: "src/dashboard/app/main.tsx", out: "app" },
    { in: "src/dashboard/app/app.css", out: "app" },
  ],
  outdir: page,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  tsconfig: "src/dashboard/app/tsconfig.json",
});
cpSync("src/dashboard/app/index.html", `${page}/index.html`);
const licenses = ["preact", "uplot"].map(
  (name) => `${name}\n\n${readFileSync(`node_modules/${name}/LICENSE`, "utf8")}`,
);
writeFileSync(`${page}/LICENSES.txt`, licenses.join("\n\n"));
