import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { SetupError } from "../toolchain/setup/problem.mjs";

/** A value from standard input, without its last newline; a terminal is asked, and shows nothing of it. */
export async function typedSecret(question: string): Promise<string> {
  const value = process.stdin.isTTY
    ? await asked(question)
    : (await text(process.stdin)).replace(/\r?\n$/, "");
  if (value !== "") return value;
  throw new SetupError([
    {
      what: "No value was given.",
      why: "It comes by standard input, so that it stands in no command line.",
      remedy: "Type it when asked, or pipe it into the command.",
    },
  ]);
}

const asked = (question: string): Promise<string> =>
  new Promise((resolve) => {
    process.stderr.write(question);
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
    const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
    lines.question("", (typed) => {
      lines.close();
      process.stderr.write("\n");
      resolve(typed);
    });
  });
