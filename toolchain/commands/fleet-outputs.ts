import * as z from "zod";
import type { Pulumi } from "../setup/pulumi.ts";

/** A host as the last `up` left it; one that is this machine has no more than its kind. */
const HostOutput = z.object({
  kind: z.string(),
  /** How it is reached over ssh. */
  target: z
    .object({ user: z.string(), address: z.string(), hostKey: z.string(), identity: z.string().optional() })
    .optional(),
  /** What its set-up was told. */
  setUp: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
});

export type HostOutput = z.infer<typeof HostOutput>;

/** What index.ts exports. */
const Outputs = z.object({
  tenants: z.record(
    z.string(),
    z.object({ url: z.string(), admin: z.object({ email: z.string(), password: z.string() }) }),
  ),
  /** `host`: on whose loopback it answers; absent in a stack that was brought up before nodes could differ in it. */
  nodes: z.record(z.string(), z.object({ url: z.string(), host: z.string().optional() })),
  hosts: z.record(z.string(), HostOutput).prefault({}),
  /** Logins of Postgres that read replicas. */
  readers: z.record(z.string(), z.object({ role: z.string(), password: z.string() })).prefault({}),
  /** How the cluster's login reaches the replicas from this machine; a stack brought up before that was known has none. */
  replicas: z
    .object({
      host: z.string(),
      port: z.number(),
      database: z.string(),
      user: z.string(),
      password: z.string(),
      /** PEM; absent where the stack's own authority signed the server's certificate. */
      ca: z.string().optional(),
    })
    .optional(),
  /** The passphrase of each tenant's repository of backups; none where nothing is backed up. */
  backupPasswords: z.record(z.string(), z.string()).prefault({}),
  /** Private key that signs operators' tokens, PKCS#8 PEM. */
  operatorKey: z.string(),
  /** PEM that the nodes' certificates are signed by. */
  certificateAuthority: z.string(),
  /** Records of names that an operator has to set. */
  dnsRecords: z.array(z.object({ domain: z.string(), type: z.string(), content: z.string() })).prefault([]),
  /** Where Prometheus and Alertmanager answer, and the certificate and key they ask for; a stack may have neither. */
  monitoring: z
    .object({ prometheus: z.string(), alertmanager: z.string(), certificate: z.string(), key: z.string() })
    .optional(),
});

/** A stack's outputs, secrets in plain text. */
export type FleetOutputs = z.infer<typeof Outputs>;

/** The outputs of a stack that was brought up; undefined before its first whole `up`. */
export async function fleetOutputs(pulumi: Pulumi): Promise<FleetOutputs | undefined> {
  return Outputs.safeParse(await pulumi.outputs()).data;
}
