import { Agent, request } from "node:https";
import { setTimeout as pause } from "node:timers/promises";
import type { NodeProcess } from "../../tests/support/node-process.ts";

/** Asked this often of each kind, one after the other, by turns. */
const REQUESTS = 200;
/** Between two requests: a dashboard that looks often, and below what the API lets one subject ask. */
const PAUSE_MS = 30;

/** Pages, none of which was asked for within the last seconds, so that no answer of before is told again. */
const OTHERS = 20;

/** Ways to ask for the status of all tenants; `anew`: for a page a little shorter, and another one each time. */
const WAYS = [
  { what: "a page of 50", limit: 50, kept: true },
  { what: "a page of 50", limit: 50, kept: false },
  { what: "a page of 50, read anew", limit: 50, kept: true, anew: true },
  { what: "a thousand", limit: 1000, kept: true },
  { what: "a thousand", limit: 1000, kept: false },
  { what: "a thousand, read anew", limit: 1000, kept: true, anew: true },
];

/** How long one way of asking took, from the request to the last byte of its answer. */
export interface StatusTimes {
  what: string;
  /** Whether the connection was kept, or every request made one of its own. */
  kept: boolean;
  /** Of each request, milliseconds. */
  ms: number[];
  /** Of one answer. */
  bytes: number;
}

/** Asks a node for the status of its tenants again and again, while it goes on syncing. */
export async function statusTimes(node: NodeProcess): Promise<StatusTimes[]> {
  const ways = WAYS.map((way) => ({ ...way, ms: [] as number[], bytes: 0 }));
  const connection = new Agent({ keepAlive: true, maxSockets: 1 });
  const token = await node.token("read");
  for (let nth = 0; nth < REQUESTS; nth += 1)
    for (const way of ways) {
      const limit = way.anew ? way.limit - 1 - (nth % OTHERS) : way.limit;
      const began = performance.now();
      way.bytes = await ask(node, token, limit, way.kept ? connection : false);
      way.ms.push(performance.now() - began);
      await pause(PAUSE_MS);
    }
  connection.destroy();
  return ways.map(({ what, kept, ms, bytes }) => ({ what, kept, ms, bytes }));
}

/** One request; the answer's bytes. */
const ask = (node: NodeProcess, token: string, limit: number, agent: Agent | false): Promise<number> =>
  new Promise((resolve, reject) => {
    const asked = request({
      ...{ host: "localhost", port: node.port, ca: node.certificateAuthority, agent },
      path: `/api/v1/sync/status?limit=${limit}`,
      headers: { authorization: `Bearer ${token}` },
    });
    asked.once("response", (answer) => {
      let bytes = 0;
      answer.on("data", (part: Buffer) => {
        bytes += part.length;
      });
      answer.once("error", reject).once("end", () => {
        if (answer.statusCode === 200) resolve(bytes);
        else reject(new Error(`The status was answered with ${answer.statusCode}.`));
      });
    });
    asked.once("error", reject).end();
  });
