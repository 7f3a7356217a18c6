import { type Command, CommanderError } from "commander";
import { describe, expect, it } from "vitest";
import { fleetProgram } from "../../fleet/program.ts";

/** The help of a command as it is printed, with what is added behind it. */
function helpOf(command: Command): string {
  let said = "";
  command.configureOutput({ writeOut: (text) => (said += text) });
  command.outputHelp();
  return said;
}

const { commands } = fleetProgram();

describe("the operator's command line", () => {
  it.each(commands.map((command) => [command.name(), command] as const))(
    "has an example in the help of %s, which begins with npx fleet and its name",
    (name, command) => {
      expect(helpOf(command)).toMatch(new RegExp(`Examples:\\n  npx fleet ${name}\\b`));
    },
  );

  it.each(
    commands
      .filter((one) => one.name() !== "completion")
      .map((command) => [command.name(), command] as const),
  )("lets %s work on any stack, for people and for scripts", (name, command) => {
    const options = command.options.map(({ long }) => long);
    expect(options).toEqual(expect.arrayContaining(["--stack", "--config-file", "--fake"]));
    // A token is for scripts already, a menu for nobody's.
    if (!["token", "menu"].includes(name)) expect(options).toContain("--json");
  });

  it("documents its exit codes", () => {
    const help = helpOf(fleetProgram());
    for (const code of [0, 1, 2, 3, 4, 130]) expect(help).toMatch(new RegExp(`^ +${code}  \\S`, "m"));
  });

  it.each([["sync"], ["no-such-command"], ["status --no-such-option"]])(
    "refuses `fleet %s` before it does anything",
    async (line) => {
      const program = fleetProgram();
      for (const one of [program, ...program.commands]) one.configureOutput({ writeErr: () => {} });
      await expect(program.parseAsync(line.split(" "), { from: "user" })).rejects.toThrow(CommanderError);
    },
  );
});
