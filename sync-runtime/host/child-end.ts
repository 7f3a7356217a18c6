import type { ChildProcess } from "node:child_process";

/** How a child ended, in words, once all that it wrote was read: a signal's name, its exit code, or why it did not start. */
export const endOf = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => {
    let why = "";
    child.on("error", ({ message }) => {
      why = `${message} `;
      if (child.pid === undefined) resolve(why.trim());
    });
    child.once("close", (code, killedBy) => resolve(`${why}${killedBy ?? `exit code ${code}`}`));
  });
