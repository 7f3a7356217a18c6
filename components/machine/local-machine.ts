import type * as command from "@pulumi/command";
import type * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { HostSpec } from "../fleet-config.ts";
import { type HostCommandArgs, hostCommand } from "../host/command.ts";
import { bootId, dockerHost } from "../host/local.ts";
import type { Machine } from "./machine.ts";

/** The machine that the program runs on: nothing has to be declared for it. */
export class LocalMachine implements Machine {
  readonly spec: HostSpec;
  readonly address = pulumi.output("127.0.0.1");
  readonly privateAddress = pulumi.output("127.0.0.1");
  readonly callers = undefined;
  readonly beginnings = undefined;
  readonly target = undefined;
  readonly setUp = undefined;
  readonly engine: docker.ProviderArgs = { host: dockerHost() };
  readonly ready: pulumi.Resource[] = [];
  readonly started = bootId();

  constructor(spec: HostSpec) {
    this.spec = spec;
  }

  command(name: string, args: HostCommandArgs, opts: pulumi.CustomResourceOptions): command.local.Command {
    return hostCommand(name, args, opts);
  }
}
