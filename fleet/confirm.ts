import { createInterface } from "node:readline/promises";
import { SetupError } from "../toolchain/setup/problem.mjs";

/**
 * Has a name typed before something that loses what users wrote.
 * @param given whether `options`, which say the same where nobody can be asked, were given
 * @param ask false: nobody is asked, not even at a terminal
 */
export async function confirmedByName(
  said: string,
  name: string,
  {
    given,
    options,
    ask = true,
    json = false,
  }: { given: boolean; options: string; ask?: boolean; json?: boolean | undefined },
): Promise<void> {
  if (given) return;
  if (ask && process.stdin.isTTY) {
    const prompt = createInterface({ input: process.stdin, output: json ? process.stderr : process.stdout });
    const typed = await prompt.question(`${said}\nType its name to go on: `);
    prompt.close();
    if (typed.trim() === name) return;
  }
  throw new SetupError([
    {
      what: "Nothing was done: it was not confirmed.",
      why: said,
      remedy: `Type the name ${name} when asked, or pass ${options} where nobody can be asked.`,
    },
  ]);
}

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
