// The command line loads only the commands that it is asked for, because loading all of them takes most of a second.
import { expect, test } from "vitest";
import { createProgram } from "../../src/cli/program.ts";

test("commands that are not named have their descriptions, and nothing is loaded for them", async () => {
  const [all, one] = await Promise.all([createProgram(), createProgram(["queues", "list", "--json"])]);
  const describe = ({ commands }: typeof all) => commands.map((command) => [command.name(), command.description()]);
  expect(describe(one)).toEqual(describe(all));
  expect(all.commands.filter(({ options, commands }) => options.length + commands.length === 0)).toEqual([]);
  const loaded = one.commands.filter(({ options, commands }) => options.length + commands.length > 0);
  expect(loaded.map((command) => command.name())).toEqual(["queues"]);
});

test("the help of a command is the same, however it is asked for", async () => {
  const [asked] = (await createProgram(["help", "work"])).commands;
  const [full] = (await createProgram()).commands;
  expect(asked?.helpInformation()).toBe(full?.helpInformation());
  expect(asked?.helpInformation()).toContain("--drain");
});
