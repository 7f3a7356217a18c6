import type { ClientRequest } from "node:http";

/** Sends a request, and whether it is answered to its end with 200. A request that takes longer than its timeout is not. */
export const answers = (asked: ClientRequest): Promise<boolean> =>
  new Promise((resolve) => {
    asked.once("timeout", () => asked.destroy());
    asked.once("error", () => resolve(false));
    asked.once("response", (answer) => {
      answer.resume();
      answer.once("error", () => resolve(false));
      answer.once("end", () => resolve(answer.statusCode === 200));
    });
    asked.end();
  });
