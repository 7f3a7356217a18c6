import type * as pulumi from "@pulumi/pulumi";
import type { Subject } from "../certificate-authority.ts";
import type { SyncSpec } from "../fleet-config.ts";
import { type LayoutEntry, root } from "../host/layout.ts";
import type { TlsDirectory } from "../host/tls-files.ts";

/** Port of a node inside its container, whichever it is published on. */
export const nodePort = 9443;

/** A node runs as this user, which owns nothing. */
export const nodeUser = "9443:9443";

/**
 * Seconds from beat to beat, and for which a lease lasts without one: a leader that dies is followed within three. The
 * arithmetic is in sync-runtime/node/README.md.
 */
export const leaseTiming = { beat: 1, duration: 3 };

/** The Postgres role of a cluster's nodes. */
export const clusterLogin = (cluster: string): string => `sync_${cluster}`;

/** Name of a node on the network that it shares with agents and monitoring. */
export const nodeName = (cluster: string, node: string): string => `node-${node}.${cluster}`;

/**
 * A node serves its API and calls agents, who ask for its URI.
 * @param address at which it is watched from another host, where it is
 */
export const nodeSubject = (cluster: string, node: string, address?: pulumi.Input<string>): Subject => ({
  dns: [nodeName(cluster, node), "localhost"],
  uri: `urn:owui:node:${cluster}:${node}`,
  ip: ["127.0.0.1", ...(address === undefined ? [] : [address])],
  uses: ["server_auth", "client_auth"],
});

/** Files in which a node finds whom to believe: about agents and an embedded Postgres, and about an external one. */
export const nodeAuthority = { stack: "/etc/fleet/ca.crt", database: "/etc/fleet/database-ca.crt" };

/** How a node reaches Postgres. */
export interface NodeDatabase {
  host: string;
  port: number;
  database: string;
  user: string;
  password: string;
  /** One of {@link nodeAuthority}. */
  ca: string;
}

/** What a node is told; passwords and keys come in as they are known. */
export interface NodeSettings {
  sync: SyncSpec;
  node: string;
  /** PEM of the keys whose owners may operate the cluster: the one that signs, and the former. */
  operatorKeys: string[];
  database: NodeDatabase;
}

/** What /etc/fleet/node.json says. */
export const nodeConfig = ({ sync, node, operatorKeys, database }: NodeSettings): string =>
  JSON.stringify({
    cluster: sync.cluster,
    node,
    listen: { address: "0.0.0.0", port: nodePort },
    tls: { certificate: "/etc/fleet/tls.crt", key: "/etc/fleet/tls.key", ca: nodeAuthority.stack },
    operatorKeys,
    parallel: sync.parallel,
    lease: leaseTiming,
    // In this order, so that a node whose settings stay the same is not started anew.
    database: {
      ...{ host: database.host, port: database.port, database: database.database },
      ...{ user: database.user, password: database.password, ca: database.ca },
    },
  });

/** A node's directory, relative to its host's data root. */
export const nodeDirectory = (node: string): string => `nodes/${node}`;

/** Where its certificates lie, for it alone to read. */
export const nodeTls = (node: string): TlsDirectory => ({ path: nodeDirectory(node), group: 9443 });

/** What {@link nodeTls} lies in. */
export const nodeDirectories = (node: string): LayoutEntry[] => [
  { kind: "directory", path: "nodes", mode: "0755", owner: root },
  { kind: "directory", path: nodeDirectory(node), mode: "0750", owner: "0:9443" },
];

/**
 * Directories and files of a node, its certificates aside; readable by it alone.
 * @param authority of an external database
 */
export const nodeLayout = (node: string, config: pulumi.Input<string>, authority?: string): LayoutEntry[] => {
  const file = (name: string, content: pulumi.Input<string>): LayoutEntry => ({
    kind: "file",
    path: `${nodeDirectory(node)}/${name}`,
    mode: "0440",
    owner: "0:9443",
    content,
  });
  return [
    ...nodeDirectories(node),
    file("node.json", config),
    ...(authority === undefined ? [] : [file("database-ca.crt", authority)]),
  ];
};
