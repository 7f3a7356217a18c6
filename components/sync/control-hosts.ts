import type { SyncSpec } from "../fleet-config/model.ts";

/** Where the callers of agents run. */
type Placed = Pick<SyncSpec, "host"> & { nodes: Pick<SyncSpec["nodes"][number], "host">[] };

/** Ids of the hosts from which agents are called: what watches the fleet runs on the first, nodes on each. */
export const controlHosts = ({ host, nodes }: Placed): string[] => [
  ...new Set([host, ...nodes.map(({ host }) => host)]),
];

/** Ids of the other hosts from which a host's agent is called; none where all that calls it is on the host itself. */
export const callersOf = (host: string, sync: Placed): string[] =>
  controlHosts(sync).filter((id) => id !== host);

/** Whether anything that calls agents runs on a host itself. */
export const callsAgents = (host: string, sync: Placed): boolean => controlHosts(sync).includes(host);
