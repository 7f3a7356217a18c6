import type {
  BrandingBasis,
  BrandingSpec,
  ConflictsSpec,
  Direction,
  SyncSpec,
  TenantSpec,
} from "../fleet-config.ts";
import { agentIdentity } from "../host/agent.ts";
import { writerIdentity, writtenTenants } from "../host/writer.ts";
import { digestOf, filesBelow } from "../source-digest.ts";
import { clusterLogin } from "./node.ts";
import { readerLogin } from "./reader.ts";

/** Where a program answers, and what its certificate has to say. */
interface Door {
  address: string;
  identity: string;
}

/** What the stack wants of its cluster, in the words of sync-runtime/database/apply.ts, which reads it. */
export interface Intent {
  cluster: string;
  /**
   * For all of them: how often a replica is verified row by row, and how long tombstones are kept, in seconds; how many
   * failures in a row put a tenant into quarantine.
   */
  settings: { verify: number; tombstones: number; quarantine: number };
  /** Where each host's agent is called by nodes, and whose certificate it must show; its writer, if it has one. */
  hosts: { id: string; agent: Door; writer?: Door }[];
  /** `interval` in seconds. */
  tenants: {
    id: string;
    host: string;
    url: string;
    interval: number;
    paused: boolean;
    direction: Direction;
    conflicts: ConflictsSpec;
    /** Where its live database is, without a password, when that is no SQLite file: then nothing is synced. */
    database?: string;
    /** Whether its own branding is licensed for so many users only. */
    licence?: { basis: BrandingBasis; users: number };
  }[];
  logins: { role: string; cluster: string }[];
  /** `tenants` null: all. */
  readers: { role: string; tenants: string[] | null; columns: { table: string; column: string }[] }[];
}

/** A tenant and the address it ended up with. */
export interface PlacedTenant {
  spec: TenantSpec;
  url: string;
}

/** A host, and where its agent and its writer are called. */
export interface PlacedAgent {
  id: string;
  /** `agent.local:8050` */
  address: string;
  /** `writer.local:8051`; of no meaning where the host has none. */
  writer: string;
}

/** What is wanted of a cluster. A stopped tenant stays in it: its database can be read all the same. */
export const intentOf = (
  {
    cluster,
    verify,
    tombstones,
    quarantine,
    readers,
  }: Pick<SyncSpec, "cluster" | "verify" | "tombstones" | "quarantine" | "readers">,
  hosts: PlacedAgent[],
  tenants: PlacedTenant[],
): Intent => ({
  cluster,
  settings: { verify, tombstones, quarantine },
  hosts: hosts.map(({ id, address, writer }) => ({
    id,
    agent: { address, identity: agentIdentity(id) },
    ...writerOf(id, writer, tenants),
  })),
  tenants: tenants.map(({ spec: { id, host, sync, branding, database }, url }) => ({
    ...{ id, host, url, ...sync },
    // Its replica stays as it was when it was promoted.
    ...(database ? { database: database.url, paused: true } : {}),
    ...licenceOf(branding),
  })),
  logins: [{ role: clusterLogin(cluster), cluster }],
  readers: readers.map(({ id, tenants, columns }) => ({ role: readerLogin(id), tenants, columns })),
});

/** Where a host's writer answers; nothing on a host whose tenants' rows go one way. */
const writerOf = (
  host: string,
  address: string,
  tenants: PlacedTenant[],
): Pick<Intent["hosts"][number], "writer"> =>
  writtenTenants(
    host,
    tenants.map(({ spec }) => spec),
  ).length === 0
    ? {}
    : { writer: { address, identity: writerIdentity(host) } };

/** As many users as clause 4 of Open WebUI's licence asks no permission for, over all tenants together. */
const smallFleet = 50;

const licenceOf = (branding: BrandingSpec | undefined): Pick<Intent["tenants"][number], "licence"> => {
  if (!branding) return {};
  const { basis, users = basis === "up-to-50-users" ? smallFleet : undefined } = branding;
  return users === undefined ? {} : { licence: { basis, users } };
};

/** Another value whenever the migrator's program or one of its statements changes. */
export function migrationsDigest(directory = "sync-runtime/database"): string {
  return digestOf(directory, filesBelow(directory));
}
