/** Prints what a command came to: for scripts as one JSON value, for people as text. */
export const tell = (json: boolean | undefined, value: unknown, text: string): void =>
  void process.stdout.write(`${json ? JSON.stringify(value, undefined, 2) : text}\n`);
