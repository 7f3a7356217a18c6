import type * as command from "@pulumi/command";
import type * as docker from "@pulumi/docker";
import type * as pulumi from "@pulumi/pulumi";
import type { HostSpec } from "./fleet-config.ts";
import type { HostCommandArgs } from "./host/command.ts";
import { LocalMachine } from "./machine/local-machine.ts";

/** What the files, commands and containers of a host run on, as the program that declares the fleet reaches it. */
export interface Machine {
  /** The host's entry in the stack's config, already parsed. */
  readonly spec: HostSpec;
  /** IPv4 address at which users and operators reach it. */
  readonly address: pulumi.Output<string>;
  /** IPv4 address at which the fleet's other machines reach it. */
  readonly privateAddress: pulumi.Output<string>;
  /** How its Docker engine is reached; known once the engine answers. */
  readonly engine: docker.ProviderArgs;
  /** What has to be there before anything is put on it. Commands wait for it by themselves. */
  readonly ready: pulumi.Resource[];
  /** Another value whenever what a start of it forgets has to be done again. */
  readonly started: pulumi.Input<string>;
  /** Runs scripts on it as root, see {@link HostCommandArgs}. */
  command(name: string, args: HostCommandArgs, opts: pulumi.CustomResourceOptions): command.local.Command;
}

/** The machine of a host. */
export function declareMachine(spec: HostSpec): Machine {
  return new LocalMachine(spec);
}
