import type { Command } from "commander";

/** Declares one command that works on a stack; its help ends with the examples. */
export type Declare = (usage: string, description: string, examples: readonly Example[]) => Command;

/** A line of a command's help: what is typed behind `npx fleet`, and what it does. */
export type Example = readonly [line: string, what: string];

/** The examples in two columns. */
export function examplesText(examples: readonly Example[]): string {
  const lines = examples.map(([line, what]) => [`npx fleet ${line}`, what] as const);
  const width = Math.max(...lines.map(([line]) => line.length));
  return ["", "Examples:", ...lines.map(([line, what]) => `  ${line.padEnd(width)}   ${what}`)].join("\n");
}
