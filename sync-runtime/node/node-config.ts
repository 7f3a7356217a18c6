import { readFileSync } from "node:fs";
import * as z from "zod";
import { DEFAULT_TIMING, LeaseSettings } from "./lease-timing.ts";

const Rate = z.strictObject({ perSecond: z.number().positive(), burst: z.number().min(1) });

/** What a node is told by its config file; the stack writes it. */
export const NodeConfig = z.strictObject({
  cluster: z.string().min(1),
  /** The node's own name in the cluster. */
  node: z.string().min(1),
  listen: z.strictObject({ address: z.string(), port: z.int().min(0).max(65535) }),
  /** Files in PEM. The certificate serves the API and opens agents' doors; the CA is the stack's. */
  tls: z.strictObject({ certificate: z.string(), key: z.string(), ca: z.string() }),
  /** Public keys (SPKI in PEM) whose owners may use the API. */
  operatorKeys: z.array(z.string().startsWith("-----BEGIN PUBLIC KEY-----")),
  /** How often one address, and one token's subject, may ask the API. */
  rates: z.strictObject({ address: Rate, subject: Rate }).prefault({
    address: { perSecond: 200, burst: 400 },
    subject: { perSecond: 100, burst: 200 },
  }),
  /** Syncs at a time. */
  parallel: z.int().min(1).max(100),
  /** Seconds from beat to beat, and for which a lease lasts without one. */
  lease: LeaseSettings.prefault(DEFAULT_TIMING),
  database: z.strictObject({
    host: z.string(),
    port: z.int().min(1).max(65535),
    database: z.string(),
    user: z.string(),
    password: z.string(),
    /** File in PEM that the server's certificate must chain to; without it the connection is not encrypted. */
    ca: z.string().optional(),
  }),
});
export type NodeConfig = z.infer<typeof NodeConfig>;

/** The config file cannot be used. */
export class NodeConfigError extends Error {
  override name = "NodeConfigError";
  readonly code = "config-invalid";

  constructor(path: string, found: string, options?: ErrorOptions) {
    super(
      `${path} cannot be used: ${found}\nThe node did not start. The stack writes this file at every up.`,
      options,
    );
  }
}

/** Reads and checks the config file; the error lists everything that is wrong with it. */
export function readNodeConfig(path: string): NodeConfig {
  try {
    return NodeConfig.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    const found = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new NodeConfigError(path, found, { cause });
  }
}
