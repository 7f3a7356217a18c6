import type * as command from "@pulumi/command";
import type * as docker from "@pulumi/docker";
import type * as pulumi from "@pulumi/pulumi";
import type { FrontProxy } from "./dns.ts";
import type { DropletSpec, Fleet, HostSpec } from "./fleet-config.ts";
import type { HostCommandArgs } from "./host/command.ts";
import { Cloud, cloudName } from "./machine/cloud.ts";
import { makeDroplet } from "./machine/droplet.ts";
import { LocalMachine } from "./machine/local-machine.ts";
import { RemoteMachine } from "./machine/remote-machine.ts";
import { findServer } from "./machine/server.ts";
import type { SshTarget } from "./machine/ssh.ts";
import { visitorNetworks, visitorsOf } from "./machine/visitors.ts";

/** What the files, commands and containers of a host run on, as the program that declares the fleet reaches it. */
export interface Machine {
  /** The host's entry in the stack's config, already parsed. */
  readonly spec: HostSpec;
  /** IPv4 address at which users and operators reach it. */
  readonly address: pulumi.Output<string>;
  /** IPv4 address at which the fleet's other machines reach it. */
  readonly privateAddress: pulumi.Output<string>;
  /** IPv4 addresses from which nodes call its agent; undefined on the host where they run. */
  readonly callers: pulumi.Output<string[]> | undefined;
  /**
   * How often each tenant's data will have begun on it once this run is over, by the tenant's id; looked at in every run,
   * since a loss changes no config. Undefined on this machine, where one looks oneself.
   */
  readonly beginnings: pulumi.Output<Record<string, string>> | undefined;
  /** How operators reach it over ssh; undefined on this machine. */
  readonly target: pulumi.Output<SshTarget> | undefined;
  /** What it was set up with last, as set-up-host.sh reads it; undefined on this machine. */
  readonly setUp: pulumi.Output<Record<string, string | number>> | undefined;
  /** How its Docker engine is reached; known once the engine answers. */
  readonly engine: docker.ProviderArgs;
  /** What has to be there before anything is put on it. Commands wait for it by themselves. */
  readonly ready: pulumi.Resource[];
  /** Another value whenever what a start of it forgets has to be done again. */
  readonly started: pulumi.Input<string>;
  /** Runs scripts on it as root, see {@link HostCommandArgs}. */
  command(name: string, args: HostCommandArgs, opts: pulumi.CustomResourceOptions): command.local.Command;
}

/** What the machines of a fleet follow from. */
type Declared = Pick<Fleet, "stack" | "hosts" | "operators"> & {
  sync: { host: string };
  tenants: Pick<Fleet["tenants"][number], "host" | "proxied">[];
  /** What stands in front of proxied tenants. */
  proxy?: Pick<FrontProxy, "networks"> | undefined;
};

/** The machines of a fleet's hosts, in their order; the control host's is made first, since the others let it in. */
export function declareMachines({ stack, hosts, operators, sync, tenants, proxy }: Declared): Machine[] {
  const droplets = hosts.filter((spec) => spec.kind === "digitalocean");
  const regions = droplets.map(({ region }) => region);
  const cloud = regions.length > 0 ? new Cloud("cloud", { stack, regions }) : undefined;
  const control = hosts.find(({ id }) => id === sync.host);

  const declare = (spec: HostSpec, caller: Machine | undefined): Machine => {
    if (spec.kind === "local") return new LocalMachine(spec);
    const name = `${spec.id}-machine`;
    const own = tenants.filter(({ host }) => host === spec.id);
    const visitors = visitorNetworks(visitorsOf(own), proxy);
    return new RemoteMachine(name, {
      spec,
      operators,
      visitors,
      control: caller instanceof RemoteMachine ? caller : undefined,
      find: (parent) =>
        spec.kind === "ssh"
          ? findServer(spec, operators)
          : makeDroplet(name, { ...dropletArgs(spec, caller), visitors, cloud: cloud as Cloud }, parent),
    });
  };
  const dropletArgs = (spec: DropletSpec, caller: Machine | undefined) => ({
    ...{ stack, spec, operators },
    neighbour: control?.kind === "digitalocean" && control.region === spec.region,
    control:
      control?.kind === "digitalocean" && caller
        ? { tag: cloudName(stack, control.id) }
        : caller instanceof RemoteMachine
          ? { addresses: caller.sources }
          : undefined,
  });

  const first = control && declare(control, undefined);
  return hosts.map((spec) => (first && spec === control ? first : declare(spec, first)));
}
