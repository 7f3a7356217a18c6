import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { completionScript, completions, type Names } from "../../fleet/completion.ts";
import { fleetProgram } from "../../fleet/program.ts";

const names: Names = {
  stacks: async () => ["local", "staging"],
  tenants: async (stack) => (stack === "staging" ? ["initech"] : ["acme", "globex"]),
  hosts: async () => ["fra1-a"],
};

describe("completion", () => {
  it.each([
    ["conf", ["conflicts"]],
    ["sync ", ["acme", "globex"]],
    ["sync g", ["globex"]],
    ["sync --stack staging ", ["initech"]],
    ["sync --stack ", ["local", "staging"]],
    ["sync acme --ver", ["--verify"]],
    ["conflicts 7 --resolve ", ["source", "remote"]],
    ["conflicts --client a", ["acme"]],
    ["host ", ["check", "repair", "security"]],
    ["host check ", ["fra1-a"]],
    ["completion f", ["fish"]],
    ["token --as ", []],
    ["sync acme ", []],
  ])("of `fleet %s` offers %j", async (line, offered) => {
    const found = await completions(fleetProgram(), line.split(" "), names);
    expect(found.sort()).toEqual([...offered].sort());
  });

  it("works in bash, wherever the checkout lies", async () => {
    const door = fileURLToPath(new URL("../../fleet/fleet.mjs", import.meta.url));
    const line = `${completionScript("bash", door)} COMP_WORDS=(fleet completion z) COMP_CWORD=2; _fleet; echo "\${COMPREPLY[@]}"`;
    const { stdout } = await promisify(execFile)("bash", ["-c", line], { cwd: "/" });
    expect(stdout).toBe("zsh\n");
  });

  it("quotes a checkout's path that has a quote in it", () => {
    expect(completionScript("bash", "/it's/fleet.mjs")).toContain(String.raw`node '/it'\''s/fleet.mjs' "$@"`);
  });
});
