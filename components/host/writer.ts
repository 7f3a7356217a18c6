import type * as pulumi from "@pulumi/pulumi";
import type { Subject } from "../certificate-authority.ts";
import { bind } from "../container.ts";
import type { SyncSpec, TenantSpec } from "../fleet-config/model.ts";
import type { AgentCallers } from "./agent.ts";
import { type LayoutEntry, type Owner, root } from "./layout.ts";
import type { TlsDirectory } from "./tls-files.ts";

/** Port of the writer inside its container. */
export const writerPort = 8051;

/** The writer owns tenants' files as their applications do, without any capability; files that SQLite makes are the agent's group's. */
export const writerUser: Owner = "0:8050";

/** Name of a host's writer on the network it shares with the nodes. */
export const writerName = (host: string): string => `writer.${host}`;

/** What a node demands of the certificate of a host's writer. */
export const writerIdentity = (host: string): string => `urn:owui:writer:${host}`;

/**
 * A writer serves; with its certificate nobody can call an agent, a node or another writer.
 * @param address at which it is called from other hosts, where it is
 */
export const writerSubject = (host: string, address?: pulumi.Input<string>): Subject => ({
  dns: [writerName(host)],
  uri: writerIdentity(host),
  ...(address === undefined ? {} : { ip: [address] }),
  uses: ["server_auth"],
});

/** Ids of a host's tenants into whose databases anything is written; without one the host has no writer. */
export const writtenTenants = (host: string, tenants: readonly Pick<TenantSpec, "id" | "host" | "sync">[]) =>
  tenants.filter((tenant) => tenant.host === host && tenant.sync.direction === "both").map(({ id }) => id);

/** What /etc/fleet/writer.json says. */
export const writerConfig = (
  host: string,
  { cluster, nodes }: Pick<SyncSpec, "cluster" | "nodes">,
  tenants: string[],
  callers: AgentCallers = "neighbours",
): string =>
  JSON.stringify({
    host,
    cluster,
    nodes: nodes.map(({ id }) => id),
    callers,
    listen: { address: "0.0.0.0", port: writerPort },
    tls: { certificate: "/etc/fleet/tls.crt", key: "/etc/fleet/tls.key", ca: "/etc/fleet/ca.crt" },
    tenants,
    directory: "/tenants",
    state: "/state",
  });

/** Where its certificates lie, for it alone to read. */
export const writerTls: TlsDirectory = { path: "writer/config", group: 0 };

/** What {@link writerTls} lies in. */
export const writerDirectories: LayoutEntry[] = [
  { kind: "directory", path: "writer", mode: "0755", owner: root },
  { kind: "directory", path: "writer/config", mode: "0750", owner: root },
];

/** Directories and files of a host's writer, its certificates aside. */
export const writerLayout = (config: pulumi.Input<string>): LayoutEntry[] => [
  ...writerDirectories,
  { kind: "directory", path: "writer/state", mode: "0700", owner: root },
  { kind: "file", path: "writer/config/writer.json", mode: "0440", owner: root, content: config },
];

/** What it sees of its host: of each tenant that chose it the data, and nothing else of any. `path` is below the data root. */
export const writerMounts = (path: (...parts: string[]) => string, tenants: readonly string[]) => [
  ...tenants.map((tenant) => bind(path("tenants", tenant, "data"), `/tenants/${tenant}/data`, "read-write")),
  bind(path("writer/config"), "/etc/fleet"),
  bind(path("writer/state"), "/state", "read-write"),
];
