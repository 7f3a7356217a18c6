import type * as command from "@pulumi/command";
import type * as docker from "@pulumi/docker";
import type * as pulumi from "@pulumi/pulumi";
import type { HostSpec } from "../fleet-config.ts";
import type { HostCommandArgs } from "../host/command.ts";
import type { SshTarget } from "./ssh.ts";

/** What the files, commands and containers of a host run on, as the program that declares the fleet reaches it. */
export interface Machine {
  /** The host's entry in the stack's config, already parsed. */
  readonly spec: HostSpec;
  /** IPv4 address at which users and operators reach it. */
  readonly address: pulumi.Output<string>;
  /** IPv4 address at which the fleet's other machines reach it. */
  readonly privateAddress: pulumi.Output<string>;
  /** IPv4 addresses from which other hosts' nodes call its agent; undefined where nobody else's do. */
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
