// What TypeScript's own parser reads of the source files. Its API is marked unstable: this file alone uses it.
import { join } from "node:path";
import { isFunctionLikeDeclaration, type Node, type SourceFile, SyntaxKind } from "typescript/unstable/ast";
import { API } from "typescript/unstable/sync";
import { page, root, sourceFiles } from "./source-files.ts";

/** A name that a source file gives to something of its own. Imports and the keys of object literals only repeat names. */
export interface Declaration {
  readonly name: string;
  /** Whether it names a function or a method. */
  readonly isFunction: boolean;
  /** A path and a line, such as `src/jobs/claim/claim.ts:12`. */
  readonly place: string;
}

interface FunctionSpan {
  /** An anonymous function has the name of its variable or property, or none. */
  readonly name: string;
  readonly lines: number;
  readonly place: string;
}

export interface Comment {
  /** Without the characters that mark it as a comment. Line comments that follow each other are one. */
  readonly text: string;
  readonly lines: number;
  readonly place: string;
}

export interface ParsedFile {
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly string[];
  readonly code: string;
  readonly declarations: readonly Declaration[];
  readonly functions: readonly FunctionSpan[];
  readonly comments: readonly Comment[];
}

const declaring: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.FunctionDeclaration,
  SyntaxKind.FunctionExpression,
  SyntaxKind.ClassDeclaration,
  SyntaxKind.ClassExpression,
  SyntaxKind.MethodDeclaration,
  SyntaxKind.MethodSignature,
  SyntaxKind.GetAccessor,
  SyntaxKind.SetAccessor,
  SyntaxKind.PropertyDeclaration,
  SyntaxKind.PropertySignature,
  SyntaxKind.VariableDeclaration,
  SyntaxKind.BindingElement,
  SyntaxKind.Parameter,
  SyntaxKind.TypeAliasDeclaration,
  SyntaxKind.InterfaceDeclaration,
  SyntaxKind.TypeParameter,
]);

/** Accessors and constructors have bodies, but their names are not those of functions. */
const functionKinds: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.FunctionDeclaration,
  SyntaxKind.FunctionExpression,
  SyntaxKind.MethodDeclaration,
  SyntaxKind.MethodSignature,
  SyntaxKind.ArrowFunction,
  SyntaxKind.FunctionType,
]);

/** Literals may hold `//`, which begins no comment there. */
const literals: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.StringLiteral,
  SyntaxKind.NoSubstitutionTemplateLiteral,
  SyntaxKind.TemplateHead,
  SyntaxKind.TemplateMiddle,
  SyntaxKind.TemplateTail,
  SyntaxKind.RegularExpressionLiteral,
  SyntaxKind.JsxText,
]);

/** Every file of `src` and `schema`, parsed. */
export function parsedFiles(): ParsedFile[] {
  const api = new API({ cwd: root });
  try {
    const configs = ["tsconfig.json", `${page}/tsconfig.json`].map((config) => join(root, config));
    const projects = api.updateSnapshot({ openProjects: configs }).getProjects();
    return sourceFiles().map(({ path, text, imports, code }) => {
      const source = projects.map(({ program }) => program.getSourceFile(join(root, path))).find((found) => found);
      if (!source) throw new Error(`${path} belongs to no TypeScript project: add it to one of ${configs.join(", ")}`);
      return { path, lines: text.split("\n").length - 1, imports, code, ...contentsOf(path, source) };
    });
  } finally {
    api.close();
  }
}

function contentsOf(path: string, source: SourceFile): Pick<ParsedFile, "declarations" | "functions" | "comments"> {
  const declarations: Declaration[] = [];
  const functions: FunctionSpan[] = [];
  const lineOf = (position: number) => source.getLineAndCharacterOfPosition(position).line + 1;
  const placeOf = (node: Node) => `${path}:${lineOf(node.getStart(source))}`;
  let text = source.text;
  const visit = (node: Node): void => {
    const name = nameOf(node);
    if (name !== undefined && declaring.has(node.kind)) {
      declarations.push({ name, isFunction: functionKinds.has(valueOf(node).kind), place: placeOf(node) });
    }
    if (isFunctionLikeDeclaration(node) && node.body) {
      const lines = lineOf(node.end) - lineOf(node.getStart(source)) + 1;
      functions.push({ name: name ?? nameOf(node.parent) ?? "(anonymous)", lines, place: placeOf(node) });
    }
    if (literals.has(node.kind)) {
      const start = node.getStart(source);
      text = text.slice(0, start) + text.slice(start, node.end).replace(/[^\n]/g, "_") + text.slice(node.end);
    }
    node.forEachChild(visit);
  };
  visit(source);
  return { declarations, functions, comments: commentsOf(path, source.text, text) };
}

/** Private names without their `#`; `undefined` where a pattern, a text or nothing stands in the name's place. */
function nameOf(node: Node): string | undefined {
  const { name } = node as Node & { name?: Node & { text?: string } };
  if (name?.kind !== SyntaxKind.Identifier && name?.kind !== SyntaxKind.PrivateIdentifier) return undefined;
  return name.text?.replace(/^#/, "");
}

/** A variable, property or parameter is a function if its initializer or its written type is one. */
function valueOf(node: Node): Node {
  const { initializer, type } = node as Node & { initializer?: Node; type?: Node };
  return functionKinds.has(node.kind) ? node : (initializer ?? type ?? node);
}

/** @param blanked the file's text with its literals blanked, so that each comment that remains is one */
function commentsOf(path: string, text: string, blanked: string): Comment[] {
  const runs = /\/\*[^]*?\*\/|\/\/.*(?:\n[ \t]*\/\/.*)*/g;
  return [...blanked.matchAll(runs)].map(({ 0: found, index }) => {
    const written = text.slice(index, index + found.length);
    return {
      text: written.replace(/^[ \t]*(?:\/\/|\/\*\*?|\*(?!\/))[ \t]?|[ \t]*\*\/$/gm, "").trim(),
      lines: written.split("\n").length,
      place: `${path}:${text.slice(0, index).split("\n").length}`,
    };
  });
}
