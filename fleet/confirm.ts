import { createInterface } from "node:readline/promises";
import { SetupError } from "../toolchain/setup/problem.mjs";

/**
 * Asks before something that interrupts users.
 * @param said what happens, to whom and for how long
 */
export async function confirmed(said: string, { yes = false, json = false }): Promise<void> {
  if (yes) return;
  if (process.stdin.isTTY) {
    const prompt = createInterface({ input: process.stdin, output: json ? process.stderr : process.stdout });
    const typed = await prompt.question(`${said}\nGo on? [y/N] `);
    prompt.close();
    if (/^y(es)?$/i.test(typed.trim())) return;
  }
  throw new SetupError([
    {
      what: "Nothing was done: it was not confirmed.",
      why: said,
      remedy: "Answer y when asked, or pass --yes where nobody can be asked.",
    },
  ]);
}
