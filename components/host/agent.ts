import type * as pulumi from "@pulumi/pulumi";
import type { Subject } from "../certificate-authority.ts";
import type { HostSpec, SyncSpec, TenantSpec } from "../fleet-config/model.ts";
import { type LayoutEntry, type Owner, root } from "./layout.ts";
import type { TlsDirectory } from "./tls-files.ts";

/** Port of the agent inside its container. */
export const agentPort = 8050;

/** The agent runs as this user, and tenants' data belongs to its group, so that it can read and nothing more. */
export const agentUser: Owner = "8050:8050";

/** Name of a host's agent on the network it shares with the nodes. */
export const agentName = (host: string): string => `agent.${host}`;

/** What a node demands of the certificate of a host's agent. */
export const agentIdentity = (host: string): string => `urn:owui:agent:${host}`;

/**
 * An agent serves; with its certificate nobody can call another agent or a node.
 * @param address at which it is called from other hosts, where it is
 */
export const agentSubject = (host: string, address?: pulumi.Input<string>): Subject => ({
  dns: [agentName(host)],
  uri: agentIdentity(host),
  ...(address === undefined ? {} : { ip: [address] }),
  uses: ["server_auth"],
});

/** What an agent has to know of its host. */
type AgentHost = Pick<HostSpec, "id" | "syncBandwidth">;

/** Whose nodes it answers; the certificate of one that is no longer among them is void. */
type AgentCluster = Pick<SyncSpec, "cluster" | "nodes">;

/**
 * From where an agent is called: "neighbours" by the control network, on which it is itself on a node's own host (this
 * machine's own calls come by that network's gateway); from subnets; or from both.
 */
export type AgentCallers = "neighbours" | string[];

/** What /etc/fleet/agent.json says. */
export const agentConfig = (
  host: AgentHost,
  { cluster, nodes }: AgentCluster,
  callers: AgentCallers = "neighbours",
  backedUp = false,
): string =>
  JSON.stringify({
    host: host.id,
    cluster,
    nodes: nodes.map(({ id }) => id),
    callers,
    listen: { address: "0.0.0.0", port: agentPort },
    tls: { certificate: "/etc/fleet/tls.crt", key: "/etc/fleet/tls.key", ca: "/etc/fleet/ca.crt" },
    tenants: "/tenants",
    state: "/state",
    ...(backedUp ? { backups: "/backup" } : {}),
    bandwidth: host.syncBandwidth,
  });

/** Where its certificates lie, for it alone to read. */
export const agentTls: TlsDirectory = { path: "agent/config", group: 8050 };

/** What {@link agentTls} lies in. */
export const agentDirectories: LayoutEntry[] = [
  { kind: "directory", path: "agent", mode: "0755", owner: root },
  { kind: "directory", path: "agent/config", mode: "0750", owner: "0:8050" },
];

/** Directories and files of a host's agent, its certificates aside. */
export const agentLayout = (config: pulumi.Input<string>): LayoutEntry[] => [
  ...agentDirectories,
  { kind: "directory", path: "agent/state", mode: "0700", owner: agentUser },
  { kind: "file", path: "agent/config/agent.json", mode: "0440", owner: "0:8050", content: config },
];

/** What the agent looks at of its host's nginx, with every look anew: no change of it starts the agent again. */
export const agentSites = (tenants: Pick<TenantSpec, "id" | "domain" | "certificate">[]): LayoutEntry => ({
  ...{ kind: "file", path: "agent/config/sites.json", mode: "0440", owner: "0:8050" },
  content: JSON.stringify(
    tenants.flatMap(({ id: tenant, domain, certificate: certifier }) =>
      certifier ? [{ tenant, domain, certifier }] : [],
    ),
  ),
});
