import { request } from "node:https";
import type { Credentials } from "../certificates.ts";

/** How a server answered: with a status, or by breaking the connection off. */
export type Reception = { status: number } | { broken: string };

/**
 * Asks a host's agent for its inventory with the given credentials, or with none.
 *
 * The server's own certificate is not checked here: what is asked is whom the agent lets in.
 */
export const knock = (address: string, port: number, credentials?: Credentials): Promise<Reception> =>
  new Promise((resolve) => {
    const asked = request({
      host: address,
      port,
      path: "/v1/inventory",
      rejectUnauthorized: false,
      agent: false,
      cert: credentials?.certificate,
      key: credentials?.key,
    });
    asked.once("response", (answer) => {
      answer.resume();
      resolve({ status: answer.statusCode ?? 0 });
    });
    asked.once("error", (error: NodeJS.ErrnoException) => resolve({ broken: error.code ?? error.message }));
    asked.end();
  });
