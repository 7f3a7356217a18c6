import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";

/** Whether there is somebody to ask. */
export const mayAsk = (): boolean => process.stdin.isTTY === true;

/** Asks, showing what is typed. @returns the answer, `otherwise` where it is empty */
export async function ask(question: string, otherwise = ""): Promise<string> {
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await prompt.question(otherwise ? `${question} [${otherwise}]: ` : `${question}: `);
    return answer.trim() || otherwise;
  } finally {
    prompt.close();
  }
}

/** How somebody is asked. */
export type Ask = typeof ask;

/** Asks until nothing is wrong with the answer, and says what was. */
export async function askUntil(
  ask: Ask,
  question: string,
  otherwise: string,
  wrongWith: (answer: string) => string | undefined,
): Promise<string> {
  for (;;) {
    const answer = await ask(question, otherwise);
    const wrong = wrongWith(answer);
    if (wrong === undefined) return answer;
    process.stdout.write(`  ${wrong}\n`);
  }
}

/** Asks without showing what is typed. */
export async function askHidden(question: string): Promise<string> {
  process.stdout.write(`${question}: `);
  const nothing = new Writable({ write: (_chunk, _encoding, done) => done() });
  const prompt = createInterface({ input: process.stdin, output: nothing, terminal: true });
  try {
    return (await prompt.question("")).trim();
  } finally {
    prompt.close();
    process.stdout.write("\n");
  }
}
