import * as pulumi from "@pulumi/pulumi";
import type { FrontProxy } from "./dns/name-service.ts";
import type { Fleet, HostSpec } from "./fleet-config.ts";
import { writtenTenants } from "./host/writer.ts";
import { Cloud, cloudName } from "./machine/cloud.ts";
import { type Callers, makeDroplet } from "./machine/droplet.ts";
import { LocalMachine } from "./machine/local-machine.ts";
import type { Machine } from "./machine/machine.ts";
import { RemoteMachine } from "./machine/remote-machine.ts";
import { findServer, serverAddresses } from "./machine/server.ts";
import { visitorNetworks, visitorsOf } from "./machine/visitors.ts";
import { callersOf } from "./sync/control-hosts.ts";

/** What the machines of a fleet follow from. */
type Declared = Pick<Fleet, "stack" | "hosts" | "operators"> & {
  sync: Pick<Fleet["sync"], "host"> & { nodes: Pick<Fleet["sync"]["nodes"][number], "host" | "port">[] };
  /** Who opens their hosts' sites, and whose hosts may have a writer. */
  tenants: Pick<Fleet["tenants"][number], "id" | "host" | "proxied" | "sync">[];
  monitoring: Pick<Fleet["monitoring"], "enabled">;
  /** What stands in front of proxied tenants. */
  proxy?: Pick<FrontProxy, "networks"> | undefined;
};

/** The machines of a fleet's hosts, in their order. */
export function declareMachines(fleet: Declared): Machine[] {
  const { stack, hosts, operators, sync, tenants, proxy } = fleet;
  const droplets = hosts.filter((spec) => spec.kind === "digitalocean");
  const regions = droplets.map(({ region }) => region);
  const cloud = regions.length > 0 ? new Cloud("cloud", { stack, regions }) : undefined;
  // Control hosts let each other in, so that none of them can be declared behind all others.
  const met = Promise.withResolvers<Map<string, RemoteMachine>>();
  const sourcesOf = (ids: string[]): pulumi.Output<string[]> =>
    pulumi
      .output(met.promise.then((machines) => ids.flatMap((id) => machines.get(id)?.sources ?? [])))
      .apply((sources) => sources.flat());

  const machines = hosts.map((spec): Machine => {
    if (spec.kind === "local") return new LocalMachine(spec);
    const name = `${spec.id}-machine`;
    const ids = callersOf(spec.id, sync);
    const callers = hosts.filter(({ id }) => ids.includes(id));
    const inside = insidePorts(spec, fleet);
    const visitors = visitorNetworks(visitorsOf(tenants.filter(({ host }) => host === spec.id)), proxy);
    return new RemoteMachine(name, {
      ...{ spec, operators, visitors, inside },
      callers: ids.length > 0 ? sourcesOf(ids) : undefined,
      find: (parent) =>
        spec.kind === "ssh"
          ? findServer(spec, operators)
          : makeDroplet(
              name,
              {
                ...{ stack, spec, operators, visitors, inside, cloud: cloud as Cloud },
                callers: doorsOf(stack, callers),
                neighbour: callers.every((caller) => inRegion(caller, spec.region)),
              },
              parent,
            ),
    });
  });
  met.resolve(
    new Map(
      machines.flatMap((machine) => (machine instanceof RemoteMachine ? [[machine.spec.id, machine]] : [])),
    ),
  );
  return machines;
}

/**
 * Ports that a host's callers reach: its agent's, its writer's where a tenant is written into, and those of nodes that are
 * watched from another host.
 */
function insidePorts(
  { id, agentPort, writerPort }: HostSpec,
  { sync, tenants, monitoring }: Declared,
): number[] {
  const watched = monitoring.enabled && id !== sync.host;
  return [
    agentPort,
    ...(writtenTenants(id, tenants).length > 0 ? [writerPort] : []),
    ...(watched ? sync.nodes.filter(({ host }) => host === id).map(({ port }) => port) : []),
  ];
}

/** Callers as a cloud's firewall knows them: droplets by their tags, wherever they stand, servers by their addresses. */
const doorsOf = (stack: string, callers: HostSpec[]): Callers => ({
  tags: callers.flatMap(({ kind, id }) => (kind === "digitalocean" ? [cloudName(stack, id)] : [])),
  addresses: callers.flatMap((caller) => (caller.kind === "ssh" ? serverAddresses(caller) : [])),
});

const inRegion = (host: HostSpec, region: string): boolean =>
  host.kind === "digitalocean" && host.region === region;
