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
export const askCluster = (outputs: FleetOutputs): Promise<ClusterView | undefined> =>
  fromAnyNode(outputs, "read", async (call) => {
    const [cluster, syncs] = await Promise.all([
      call("GET", "/api/v1/cluster"),
      call("GET", "/api/v1/sync/status"),
    ]);
    return { nodes: Cluster.parse(cluster).nodes, syncs: Syncs.parse(syncs).tenants };
  });

/** Has a tenant synced now, without waiting for its interval; nothing happens where no node answers. */
export const triggerSync = (outputs: FleetOutputs, tenant: string): Promise<unknown> =>
  fromAnyNode(outputs, "operate", (call) => call("POST", `/api/v1/sync/trigger/${tenant}`));

type Call = (method: "GET" | "POST", path: string) => Promise<unknown>;

/** Lets `ask` talk to the nodes in turn until one answers it; undefined when none does. */
async function fromAnyNode<T>(
  outputs: FleetOutputs,
  scope: "read" | "operate",
  ask: (call: Call) => Promise<T>,
): Promise<T | undefined> {
  const token = await operatorToken(outputs.operatorKey, scope);
  for (const { url } of Object.values(outputs.nodes)) {
    try {
      return await ask((method, path) =>
        send(method, new URL(path, url), outputs.certificateAuthority, token),
      );
    } catch (error) {
      // An answer of another shape is a mistake of this program, not a node that is down.
      if (error instanceof z.ZodError) throw error;
    }
  }
  return undefined;
}

/** A token that allows what `scope` says, for the minute a command takes. */
export const operatorToken = async (key: string, scope: "read" | "operate"): Promise<string> =>
  new SignJWT({ scope })
    .setProtectedHeader({ alg: "EdDSA" })
    .setSubject("command-line")
    .setAudience("owui-cluster")
    .setIssuedAt()
    .setExpirationTime("1m")
    .sign(await importPKCS8(key, "EdDSA"));

/** One call of a node's API; its certificate must be of the stack's own authority. */
const send = (method: string, url: URL, ca: string, token: string): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const asked = request(url, {
      method,
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
      const { statusCode = 0 } = answer;
      if (statusCode >= 200 && statusCode < 300) return json(answer).then(resolve, reject);
      answer.resume();
      reject(new Error(`${url.pathname} was answered with ${statusCode}`));
    });
    asked.end();
  });
