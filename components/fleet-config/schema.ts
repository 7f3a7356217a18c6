import { z } from "zod";
import { acmeEntry } from "./acme-entry.ts";
import { backupsEntry } from "./backups-entry.ts";
import { certificatesEntry } from "./certificates-entry.ts";
import { dnsEntry } from "./dns-entry.ts";
import { documentation } from "./documentation.ts";
import { hostEntry } from "./host-entry.ts";
import { monitoringEntry } from "./monitoring-entry.ts";
import { operatorsEntry } from "./operators-entry.ts";
import { stateEntry } from "./state-entry.ts";
import { syncEntry } from "./sync-entry.ts";
import { tenantEntry } from "./tenant-entry.ts";

/** The whole config of a stack: what stands under `config:` in Pulumi.<stack>.yaml. */
export const stackSchema = z.strictObject({
  running: z.boolean().prefault(true).register(documentation, {
    description: "False: every container of the fleet is removed, all data stays. `npm run down` does that.",
    remedy: "write true or false",
  }),
  hosts: z
    .record(z.string(), hostEntry)
    .refine((hosts) => Object.keys(hosts).length > 0)
    .register(documentation, {
      description: "The machines, by name.",
      remedy: "declare a host: { local: { kind: local } }",
    }),
  operators: operatorsEntry.prefault({}).register(documentation, {
    description: "Who signs in to hosts of kinds other than `local`, and from where.",
    remedy: "write keys and addresses",
  }),
  tenants: z
    .record(z.string(), tenantEntry)
    .nullable() // every entry is commented out
    .transform((tenants) => tenants ?? {})
    .prefault({})
    .register(documentation, { description: "The tenants, by name.", remedy: "write tenants by name" }),
  sync: syncEntry.register(documentation, {
    description: "The nodes that keep the replicas, and their database.",
    remedy: "declare it: { host: local, nodes: { a: { port: 9443 }, b: { port: 9444 } } }",
  }),
  state: stateEntry.prefault({}).register(documentation, {
    description: "Where Pulumi keeps what it knows of the stack.",
    default: "the data home",
    remedy: "write kind: file, s3 or cloud, or leave it out",
  }),
  certificates: certificatesEntry.prefault({}).register(documentation, {
    description: "The stack's own certificate authority.",
    remedy: "write { generation: 1 }, or leave it out",
  }),
  dns: dnsEntry.prefault({}).register(documentation, {
    description: "Who sets the records of tenants' names.",
    remedy: "write kind and zones, or leave it out",
  }),
  acme: acmeEntry.optional().register(documentation, {
    description:
      "If given, sites on hosts of other kinds than `local` that are not proxied are certified over ACME: the host answers for its names on port 80, and renews by itself 30 days before a certificate ends.",
    default: "the stack's own authority certifies, which browsers warn of",
    example: "{ email: operators@example.com }",
    remedy: "write directory and email, or {} for the defaults, or leave it out",
  }),
  backups: backupsEntry.optional().register(documentation, {
    description: "If given, every tenant is backed up, by its host itself (docs/backups.md).",
    default: "no backups, and no tenant is shown as protected",
    example: "{ repository: { kind: folder, path: /mnt/backups/fleet } }",
    remedy: "write repository, and every, keep and drill if you like, or leave it out",
  }),
  monitoring: monitoringEntry.prefault({}).register(documentation, {
    description: "What watches the fleet, on the control host, and who hears of it (docs/alerts.md).",
    remedy: "write alerts, or leave it out",
  }),
});

/** A stack's config once the schema has accepted it. */
export type StackConfig = z.output<typeof stackSchema>;
