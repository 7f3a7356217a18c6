import { z } from "zod";
import { dnsEntry } from "./dns-entry.ts";
import { hostEntry } from "./host-entry.ts";
import { monitoringEntry } from "./monitoring-entry.ts";
import { operatorsEntry } from "./operators-entry.ts";
import { nodeEntry, readerEntry, syncEntry } from "./sync-entry.ts";
import { tenantEntry } from "./tenant-entry.ts";

/** An entry whose refused fields are absent; a field that is only left out is there, with its default. */
type Readable<Entry extends z.ZodObject> = Partial<z.output<Entry>> & { id: string };

/**
 * What can be read of a config that may be wrong elsewhere. The rules across entries work on this, so that a
 * clash of two ports is reported together with a typing error in the same entry.
 */
export interface Draft {
  stack: string;
  hosts: Readable<typeof hostEntry>[];
  operators: Partial<z.output<typeof operatorsEntry>>;
  tenants: Readable<typeof tenantEntry>[];
  sync: Partial<z.output<typeof syncEntry>>;
  nodes: Readable<typeof nodeEntry>[];
  readers: Readable<typeof readerEntry>[];
  monitoring: Partial<z.output<typeof monitoringEntry>>;
  dns: Partial<z.output<typeof dnsEntry>>;
  /** Whether the entries `acme` and `backups` are there, right or wrong. */
  acme: boolean;
  backups: boolean;
}

/** Reads every field by itself. */
export function draftOf(stack: string, raw: Record<string, unknown>): Draft {
  const sync = Object.fromEntries(entriesOf(raw.sync));
  return {
    stack,
    hosts: entriesOf(raw.hosts).map(([id, entry]) => ({ id, ...readable(hostEntry, entry) })),
    operators: readable(operatorsEntry, raw.operators),
    tenants: entriesOf(raw.tenants).map(([id, entry]) => ({ id, ...readable(tenantEntry, entry) })),
    sync: readable(syncEntry, sync),
    nodes: entriesOf(sync.nodes).map(([id, entry]) => ({ id, ...readable(nodeEntry, entry) })),
    readers: entriesOf(sync.readers).map(([id, entry]) => ({ id, ...readable(readerEntry, entry) })),
    monitoring: readable(monitoringEntry, raw.monitoring),
    dns: readable(dnsEntry, raw.dns),
    acme: raw.acme !== undefined,
    backups: raw.backups !== undefined,
  };
}

/** The entries of a mapping, in the order they were written; none where it is no mapping. */
const entriesOf = (raw: unknown): [string, unknown][] =>
  typeof raw === "object" && raw !== null && !Array.isArray(raw) ? Object.entries(raw) : [];

function readable<Entry extends z.ZodObject>(schema: Entry, raw: unknown): Partial<z.output<Entry>> {
  const entry = Object.fromEntries(entriesOf(raw));
  const fields = Object.entries(schema.shape).flatMap(([key, field]) => {
    const { success, data } = z.safeParse(field, entry[key]);
    return success ? [[key, data]] : [];
  });
  return Object.fromEntries(fields);
}
