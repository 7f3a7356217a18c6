import { readdir } from "node:fs/promises";
import type { Command, Option } from "commander";
import { quote } from "../components/host/shell.ts";
import { plainKeys, readSource, sourceFile } from "../toolchain/setup/effective-config.ts";

/** Names that a word may be one of; read from the stack's file, which needs neither Pulumi nor a node. */
export interface Names {
  stacks(): Promise<string[]>;
  tenants(stack: string): Promise<string[]>;
  hosts(stack: string): Promise<string[]>;
}

/**
 * What the last word may become.
 * @param words those behind `fleet`, the last of which is being typed and may be empty
 */
export async function completions(
  program: Command,
  words: readonly string[],
  names: Names,
): Promise<string[]> {
  const typed = words.at(-1) ?? "";
  const found = await candidates(program, words.slice(0, -1), typed, names);
  return found.filter((word) => word.startsWith(typed));
}

async function candidates(
  program: Command,
  before: readonly string[],
  typed: string,
  names: Names,
): Promise<string[]> {
  let command = program;
  let argument = 0;
  let expecting: Option | undefined;
  let stack = "local";
  for (const word of before) {
    if (expecting) {
      if (expecting.long === "--stack") stack = word;
      expecting = undefined;
    } else if (word.startsWith("-")) {
      const option = command.options.find(({ long, short }) => long === word || short === word);
      if (option?.required || option?.optional) expecting = option;
    } else {
      const inner = command.commands.find((one) => one.name() === word);
      if (inner) command = inner;
      else argument += 1;
    }
  }
  if (expecting) return valuesOf(expecting.long?.slice(2) ?? "", expecting.argChoices, stack, names);
  if (typed.startsWith("-"))
    return [...command.options.flatMap(({ long }) => (long ? [long] : [])), "--help"];
  if (command.commands.length > 0) return command.commands.map((one) => one.name());
  const wanted =
    command.registeredArguments[argument] ?? command.registeredArguments.findLast((one) => one.variadic);
  return wanted ? valuesOf(wanted.name(), wanted.argChoices, stack, names) : [];
}

/** What an option or an argument of that name takes. */
async function valuesOf(
  name: string,
  choices: readonly string[] | undefined,
  stack: string,
  names: Names,
): Promise<string[]> {
  if (choices) return [...choices];
  if (["tenant", "client"].includes(name)) return names.tenants(stack);
  if (name === "host") return names.hosts(stack);
  return name === "stack" ? names.stacks() : [];
}

/** Names of the stacks in a checkout. A file that cannot be read has none: a shell is no place for its mistakes. */
export const namesIn = (repository: string): Names => ({
  stacks: async () =>
    (await readdir(repository)).flatMap((file) => /^Pulumi\.([^.]+)\.yaml$/.exec(file)?.[1] ?? []),
  tenants: (stack) => keysBelow(stack, "tenants"),
  hosts: (stack) => keysBelow(stack, "hosts"),
});

async function keysBelow(stack: string, section: string): Promise<string[]> {
  try {
    return Object.keys(plainKeys((await readSource(sourceFile(stack))).config)[section] ?? {});
  } catch {
    return [];
  }
}

export const shells = ["bash", "zsh", "fish"] as const;

/**
 * What a shell reads to know `fleet` and complete it, in every folder.
 * @param door path of fleet.mjs
 */
export function completionScript(shell: (typeof shells)[number], door: string): string {
  const call = `node ${quote(door)}`;
  switch (shell) {
    case "bash":
      return [
        `fleet() { ${call} "$@"; }`,
        `_fleet() { mapfile -t COMPREPLY < <(${call} __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null); }`,
        "complete -o default -F _fleet fleet",
        "",
      ].join("\n");
    case "zsh":
      return [
        `fleet() { ${call} "$@" }`,
        `_fleet() { compadd -- "\${(@f)$(${call} __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}" }`,
        "compdef _fleet fleet",
        "",
      ].join("\n");
    case "fish":
      return [
        `function fleet; ${call} $argv; end`,
        `complete -c fleet -f -a '(${call.replaceAll("'", "\\'")} __complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'`,
        "",
      ].join("\n");
  }
}
