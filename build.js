// Compiles to dist/, and puts beside it what the types of CommonJS projects need.
import { execFileSync } from "node:child_process";
import { cpSync, rmSync, writeFileSync } from "node:fs";

rmSync("dist", { recursive: true, force: true });
execFileSync("tsc", ["-p", "tsconfig.build.json"], { stdio: "inherit", shell: process.platform === "win32" });

// Drizzle's types for CommonJS are other types than those for ESM, so tables must be inferred from the same side: the
// schema's sources once more, below a package.json that says so. What runs is the one ESM build, for both.
cpSync("schema", "dist/commonjs/schema", { recursive: true });
writeFileSync("dist/commonjs/package.json", '{ "type": "commonjs" }\n');
