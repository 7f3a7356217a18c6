import * as z from "zod";
import type { Certificates } from "../../certificates.ts";
import { silenceOf } from "../lease-timing.ts";
import type { NodeContext } from "../node-context.ts";
import type { Statements } from "../postgres.ts";

/** How many leaders the history names. */
const LEADERS = 20;

/** A row of cluster-nodes.sql, as the API answers it. */
export const ClusterNode = z.object({
  id: z.string(),
  leader: z.boolean(),
  /** Of the leader's lease; null for the others. */
  epoch: z.coerce.number().nullable(),
  seen_at: z.date(),
});
type ClusterNode = z.infer<typeof ClusterNode>;

/** A row of leader-history.sql, as the API answers it. */
export const Leader = z.object({
  epoch: z.coerce.number(),
  node: z.string(),
  /** The process that led: a node has another one after each start. */
  run: z.string(),
  from: z.date(),
  /** Null while it leads. */
  until: z.date().nullable(),
  /** How it ended: given back by its holder, or not renewed in time. */
  ended: z.enum(["released", "expired"]).nullable(),
  /** Seconds since it began, by Postgres' clock. */
  age: z.number(),
});

/** A certificate that the answering node shows, believes or was shown. */
export const Certificate = z.object({
  /** Its URI, `urn:owui:agent:local`; the common name of one that has none. */
  name: z.string(),
  expires_at: z.date(),
});

type Asked = Pick<NodeContext, "timing"> & { postgres: Statements };

const asking = new WeakMap<Asked["postgres"], Promise<ClusterNode[]>>();

/**
 * The nodes that were heard of lately. Anybody may ask for them, so whoever asks while an answer is on its way gets that
 * one: strangers cost Postgres one statement at a time, whatever they send.
 */
export function clusterNodes({ postgres, timing }: Asked): Promise<ClusterNode[]> {
  const under = asking.get(postgres);
  if (under) return under;
  const answer = postgres
    .rows("cluster-nodes", [silenceOf(timing)])
    .then((rows) => z.array(ClusterNode).parse(rows))
    .finally(() => asking.delete(postgres));
  asking.set(postgres, answer);
  return answer;
}

/** Who led last, newest first. */
export const lastLeaders = async ({ postgres }: Asked): Promise<z.infer<typeof Leader>[]> =>
  z.array(Leader).parse(await postgres.rows("leader-history", [LEADERS]));

/** What the answering node knows of certificates inside the fleet. */
export const certificatesOf = ({
  certificates,
}: {
  certificates: Pick<Certificates, "ends">;
}): z.infer<typeof Certificate>[] =>
  certificates.ends.map(({ name, expires }) => ({ name, expires_at: new Date(expires * 1000) }));
