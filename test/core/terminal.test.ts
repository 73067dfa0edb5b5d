// One door to terminals and logs: what a text holds is shown there, and obeyed by nobody.
import { afterEach, expect, test, vi } from "vitest";
import { callHook } from "../../src/core/call-hook.ts";
import {
  printToStderr,
  escapeControls,
  toOneLine,
  print,
  toPrintableJson,
  printJson,
} from "../../src/core/terminal.ts";
import { sourceFiles } from "../laws/source-files.ts";

afterEach(() => vi.restoreAllMocks());

test.each([
  ["an override of the direction", "abc\u202egnp.exe", "abc\u{fffd}gnp.exe"],
  ["an isolate", "a\u2066b\u2069", "a\u{fffd}b\u{fffd}"],
  ["what is not seen", "pay\u200bpal\ufeff", "pay\u{fffd}pal\u{fffd}"],
  ["tags", "a\u{e0041}", "a\u{fffd}"],
  ["line separators", "a\u2028b", "a\u{fffd}b"],
])("%s is shown as what cannot be shown", (_what, text, shown) => expect(toOneLine(text)).toBe(shown));

test.each(["العربية", "👩‍👩‍👧", "नमस्ते", "Ünïcödé"])("%s stays as it is", (text) => expect(toOneLine(text)).toBe(text));

test("JSON says the same with its characters written out", () => {
  const value = { text: "\u009b31m\u007f\u202e\u{e0041}\u001b" };
  const json = toPrintableJson(JSON.stringify(value));
  expect(json).toMatch(/^[ -~]+$/);
  expect(JSON.parse(json)).toEqual(value);
});

test("texts that differ stay different where they are written out", () => {
  expect(escapeControls("a\u001b[31m\u009b\u202e")).toBe("a\\u001b[31m\\u009b\\u202e");
});

test("everything that is printed goes through it", () => {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  const error = vi.spyOn(console, "error").mockImplementation(() => {});
  print("\u001b]52;c;cm0=\u0007a\u202e");
  printJson("\u009b", 0);
  printToStderr("\u001b[2Jb");
  callHook("onEvent", () => {
    throw Object.assign(new Error(), { stack: "Error: password=hunter2\nsecond\u001b[31m line" });
  });
  expect(log.mock.calls).toEqual([["a\u{fffd}"], ['"\\u009b"']]);
  expect(error.mock.calls).toEqual([["b"], ["soniq-drizzle: onEvent failed: Error: password=*** second line"]]);
});

test("no other file prints", () => {
  const door = new Set(["src/core/terminal.ts"]);
  const others = sourceFiles().filter(({ path, code }) => !door.has(path) && /\bconsole\./.test(code));
  expect(others.map(({ path }) => path)).toEqual([]);
});
