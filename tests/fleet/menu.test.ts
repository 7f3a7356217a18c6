import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { type Entry, fleetMenu, onSameFleet, tenantMenu } from "../../fleet/menu.ts";
import { fleetProgram } from "../../fleet/program.ts";
import { repository } from "../../toolchain/setup/paths.mjs";

const commands = (entries: readonly Entry[]) =>
  entries.flatMap(({ does }) => (typeof does === "object" && "command" in does ? [does.command] : []));

/** Parses a line as `npx fleet` does, and does nothing. */
async function parsed(words: readonly string[]): Promise<Command> {
  const program = fleetProgram();
  let ran: Command | undefined;
  for (const command of program.commands)
    command.action((...args: unknown[]) => {
      ran = args.at(-1) as Command;
    });
  await program.parseAsync([...words], { from: "user" });
  if (!ran) throw new Error("nothing ran");
  return ran;
}

describe("the menu", () => {
  const fleet = onSameFleet({ stack: "prod", configFile: "mine.yaml", fake: true });

  it.each(
    commands([...fleetMenu(["acme"]), ...tenantMenu("acme")]).map(
      (words) => [words.join(" "), words] as const,
    ),
  )("runs `fleet %s` on the fleet that it shows", async (_, words) => {
    expect((await parsed([...words, ...fleet])).opts()).toMatchObject({
      stack: "prod",
      configFile: "mine.yaml",
      fake: true,
    });
  });

  it("leads to every tenant, back from it, and to its own end", () => {
    expect(fleetMenu(["acme", "globex"]).map(({ does }) => does)).toEqual(
      expect.arrayContaining([{ tenant: "acme" }, { tenant: "globex" }, "end"]),
    );
    expect(tenantMenu("acme").at(-1)?.does).toBe("back");
  });

  it("is driven by arrow keys at a terminal, and shows how the fleet is before anything else", async () => {
    const main = `${process.execPath} ${join(repository, "fleet/main.ts")} --stack never-made`;
    const terminal = spawn("script", ["--quiet", "--return", "--command", main, "/dev/null"], {
      env: { ...process.env, TERM: "xterm" },
    });
    let screen = "";
    // Up, where nothing is above; to the end, which is the last; return.
    const keys = `\u001b[A${"\u001b[B".repeat(12)}\r`;
    terminal.stdout.on("data", (part) => {
      const before = screen;
      screen += part;
      if (!before.includes("Look again") && screen.includes("Look again")) terminal.stdin.write(keys);
    });
    const code = await new Promise((done) => terminal.once("close", done));
    expect(code).toBe(0);
    expect(screen.indexOf("never-made")).toBeGreaterThanOrEqual(0);
    expect(screen.indexOf("never-made")).toBeLessThan(screen.indexOf("Look again"));
  });

  it("is not shown where nobody sits", () => {
    const main = join(repository, "fleet/main.ts");
    const run = () => execFileSync(process.execPath, [main], { stdio: "pipe", encoding: "utf8" });
    expect(run).toThrow(/Usage: fleet/);
  });
});
