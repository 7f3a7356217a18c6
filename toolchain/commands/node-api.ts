import { request } from "node:https";
import { json } from "node:stream/consumers";
import { importPKCS8, SignJWT } from "jose";
import * as z from "zod";
import type { FleetOutputs } from "./fleet-outputs.ts";

/** A node that does not answer within this is as good as gone. */
const patienceMs = 3_000;

const Cluster = z.object({
  nodes: z.array(z.object({ id: z.string(), leader: z.boolean(), epoch: z.number().nullable() })),
});

const Syncs = z.object({
  tenants: z.array(
    z.object({
      id: z.string(),
      paused: z.boolean(),
      last: z.object({ status: z.string(), error: z.string().optional() }).nullable(),
      replica: z.object({
        verified_at: z.string().nullable(),
        tables: z.number(),
        rows: z.number(),
        equal: z.boolean(),
      }),
    }),
  ),
});

/** What the cluster says about itself and about every tenant's replica. */
export interface ClusterView {
  nodes: z.infer<typeof Cluster>["nodes"];
  syncs: z.infer<typeof Syncs>["tenants"];
}

/** Asks the nodes one after the other until one answers: either knows everything. Undefined when none does. */
export async function askCluster(outputs: FleetOutputs): Promise<ClusterView | undefined> {
  const token = await operatorToken(outputs.operatorKey);
  for (const { url } of Object.values(outputs.nodes)) {
    const ask = (path: string) => get(new URL(path, url), outputs.certificateAuthority, token);
    try {
      const [cluster, syncs] = await Promise.all([ask("/api/v1/cluster"), ask("/api/v1/sync/status")]);
      return { nodes: Cluster.parse(cluster).nodes, syncs: Syncs.parse(syncs).tenants };
    } catch (error) {
      // An answer of another shape is a mistake of this program, not a node that is down.
      if (error instanceof z.ZodError) throw error;
    }
  }
  return undefined;
}

/** A token that allows reading, for the minute a command takes. */
export const operatorToken = async (key: string): Promise<string> =>
  new SignJWT({ scope: "read" })
    .setProtectedHeader({ alg: "EdDSA" })
    .setSubject("command-line")
    .setAudience("owui-cluster")
    .setIssuedAt()
    .setExpirationTime("1m")
    .sign(await importPKCS8(key, "EdDSA"));

/** One GET of a node's API; its certificate must be of the stack's own authority. */
const get = (url: URL, ca: string, token: string): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const asked = request(url, {
      // `localhost` may resolve to ::1 first, where nothing is published.
      lookup: (_name, _options, found) => found(null, [{ address: "127.0.0.1", family: 4 }]),
      ca,
      agent: false,
      timeout: patienceMs,
      headers: { Authorization: `Bearer ${token}` },
    });
    asked.once("timeout", () => asked.destroy(new Error(`${url.host} did not answer`)));
    asked.once("error", reject);
    asked.once("response", (answer) => {
      if (answer.statusCode === 200) return json(answer).then(resolve, reject);
      answer.resume();
      reject(new Error(`${url.pathname} was answered with ${answer.statusCode}`));
    });
    asked.end();
  });
