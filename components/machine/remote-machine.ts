import * as command from "@pulumi/command";
import type * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { HostSpec, OperatorsSpec } from "../fleet-config.ts";
import { type HostCommandArgs, hostCommand, type Shell } from "../host/command.ts";
import { quote, type ScriptInput, shellLine } from "../host/shell.ts";
import { type FirstContact, firstContactDigest, firstContactLine } from "./first-contact.ts";
import { leftOut } from "./left-out.ts";
import type { Machine } from "./machine.ts";
import { operatorUser, type SetUpArgs, setUpVariables } from "./set-up.ts";
import { asRoot, type SshTarget, sshArguments, sshLine, sshOptions } from "./ssh.ts";
import { toolbox, toolboxLines, unpackLine } from "./toolbox.ts";

/** Arguments of {@link RemoteMachine}. */
export interface RemoteMachineArgs {
  spec: HostSpec;
  operators: OperatorsSpec;
  /** IPv4 addresses from which other hosts' nodes call its agent; undefined where nobody else's do. */
  callers: pulumi.Output<string[]> | undefined;
  /** The ports that these reach. */
  inside: number[];
  /** Networks from which its sites are opened. */
  visitors: pulumi.Output<string[]>;
  /** Makes or names the machine, with its own resources below `parent`. */
  find(parent: RemoteMachine): Found;
}

/** A machine that is there, as its kind made or named it. */
export interface Found {
  address: pulumi.Output<string>;
  privateAddress: pulumi.Output<string>;
  /** IPv4 addresses from which its connections to the fleet's other machines come. */
  sources: pulumi.Output<string[]>;
  /** The key by which it is known from its first contact on. */
  hostKey: pulumi.Output<string>;
  /** Another value whenever it is another machine. */
  instance: pulumi.Output<string>;
  /** How it is met for the first time. */
  contact: pulumi.Output<Pick<FirstContact, "first" | "steps">>;
  /** What the first contact reads; secret. */
  stdin?: pulumi.Output<string>;
  /** Name of the block-storage volume below the data root. */
  volume?: pulumi.Output<string>;
  /** What has to be there before it is met. */
  dependsOn: pulumi.Resource[];
}

/**
 * A machine that is reached over ssh: as the operators' user, by a host key that is known before, and by nothing else. It
 * is ready once it is set up as its entry says, has the fleet's scripts, and its Docker engine answers.
 */
export class RemoteMachine extends pulumi.ComponentResource implements Machine {
  readonly spec: HostSpec;
  readonly address: pulumi.Output<string>;
  readonly privateAddress: pulumi.Output<string>;
  readonly sources: pulumi.Output<string[]>;
  readonly callers: pulumi.Output<string[]> | undefined;
  readonly target: pulumi.Output<SshTarget>;
  readonly setUp: pulumi.Output<Record<string, string | number>>;
  readonly engine: docker.ProviderArgs;
  readonly ready: pulumi.Resource[];
  readonly beginnings: pulumi.Output<Record<string, string>>;
  readonly started: pulumi.Output<string>;
  private readonly shell: Shell;

  constructor(name: string, args: RemoteMachineArgs, opts?: pulumi.ComponentResourceOptions) {
    super("owui:fleet:Machine", name, {}, opts);
    const found = args.find(this);
    this.spec = args.spec;
    this.address = found.address;
    this.privateAddress = found.privateAddress;
    this.sources = found.sources;
    this.callers = args.callers;
    this.started = found.instance;
    this.target = pulumi.all([found.address, found.hostKey]).apply(([address, hostKey]) => ({
      user: operatorUser,
      address,
      hostKey,
      ...identityOf(args.operators),
    }));
    this.shell = {
      interpreter: this.target.apply(sshArguments),
      text: (scripts) => asRoot(shellLine(scripts, toolbox)),
      piped: (here, scripts) =>
        this.target.apply(
          (target) => `${here} | ${sshLine(target)} ${quote(asRoot(shellLine(scripts, toolbox)))}`,
        ),
      instance: found.instance,
    };
    const met = this.meet(name, found);
    const equipped = this.equip(name, found, met);
    const variables = variablesOf(args, found);
    this.setUp = pulumi.output(variables);
    const settled = this.settle(name, variables, equipped);
    this.ready = [settled];
    this.beginnings = this.lookForLosses(settled);
    // Unknown until the machine is ready: a provider whose engine does not answer yet would fail.
    this.engine = {
      host: pulumi.all([this.target, settled.id]).apply(([{ user, address }]) => `ssh://${user}@${address}`),
      sshOpts: this.target.apply(sshOptions),
    };
    this.registerOutputs({ address: this.address });
  }

  command(name: string, args: HostCommandArgs, opts: pulumi.CustomResourceOptions): command.local.Command {
    const after = [opts.dependsOn ?? []].flat() as pulumi.Resource[];
    return hostCommand(name, args, { ...opts, dependsOn: [...after, ...this.ready] }, this.shell);
  }

  /** A loss changes no config, so it is looked for in previews too, once the machine is there. */
  private lookForLosses(settled: command.local.Command): pulumi.Output<Record<string, string>> {
    const { root, id } = this.spec;
    // Nothing that reads it is touched by this run.
    if (leftOut().includes(id)) return pulumi.output<Record<string, string>>({});
    return pulumi.all([this.target, settled.id]).apply(async ([target]) => {
      const { stdout } = await command.local
        .run({
          interpreter: sshArguments(target),
          command: asRoot(shellLine([{ script: "tenant-beginnings", variables: { ROOT: root } }], toolbox)),
          logging: command.types.enums.local.Logging.None,
          addPreviousOutputInEnv: false,
        })
        .catch((error: Error) => {
          throw unreachable(id, target.address, error);
        });
      const lines = stdout.split("\n").filter(Boolean);
      return Object.fromEntries(lines.map((line) => line.split(" ") as [string, string]));
    });
  }

  /** Waits for it, and does what has to be done before anything else can be. */
  private meet(name: string, { contact, stdin, instance, dependsOn }: Found): pulumi.Resource {
    const { id: host } = this.spec;
    return new command.local.Command(
      `${name}-met`,
      {
        create: pulumi
          .all([contact, this.target])
          .apply(([contact, final]) => firstContactLine({ host, final, ...contact })),
        stdin: stdin ?? "",
        environment: { RUN_AGAIN_FOR: pulumi.interpolate`${firstContactDigest()}${instance}` },
        logging: command.types.enums.local.Logging.Stderr,
        addPreviousOutputInEnv: false,
      },
      { parent: this, dependsOn, additionalSecretOutputs: ["stdout"] },
    );
  }

  /** Puts the fleet's scripts there. */
  private equip(name: string, { instance }: Found, met: pulumi.Resource): pulumi.Resource {
    return new command.local.Command(
      `${name}-toolbox`,
      {
        interpreter: this.shell.interpreter,
        create: asRoot(unpackLine),
        stdin: toolboxLines(),
        environment: { RUN_AGAIN_FOR: instance },
        addPreviousOutputInEnv: false,
      },
      { parent: this, dependsOn: [met] },
    );
  }

  /** Sets it up as its entry says now; where nothing changed there, nothing happens. */
  private settle(
    name: string,
    variables: ScriptInput["variables"],
    equipped: pulumi.Resource,
  ): command.local.Command {
    const create = [{ script: "set-up-host" as const, variables }];
    const opts = { parent: this, dependsOn: [equipped] };
    return hostCommand(`${name}-set-up`, { create }, opts, this.shell);
  }
}

/** A run has to see every host: what it would not see could be a tenant that lost its data. */
const unreachable = (host: string, address: string, { message }: Error): Error =>
  new pulumi.RunError(
    [
      `Host ${host} (${address}) was set up before and cannot be asked now, so this run ends: ${lastLine(message)}`,
      "What runs on the other hosts goes on, and so do their syncs. Start it, or let this machine reach it (operators.addresses), then go on;",
      `or change all other hosts now, and leave this one as it is: npm run up -- --stack ${pulumi.getStack()} --without ${host}`,
    ].join("\n"),
  );

const lastLine = (text: string): string => text.trim().split("\n").at(-1) ?? "";

/** What set-up-host.sh reads. */
const variablesOf = (
  { spec, operators, callers, inside, visitors }: RemoteMachineArgs,
  { volume }: Found,
): ScriptInput["variables"] => ({
  ...setUpVariables(setUpArgs(spec, operators)),
  WEB_ADDRESSES: visitors.apply((networks) => networks.join(" ")),
  AGENT_PORT: inside.join(" "),
  // Of these two alone the values are not known before the machine is there.
  AGENT_FROM: pulumi.output(callers ?? []).apply((from) => from.join(" ")),
  VOLUME: volume ?? "",
});

/** How a host is set up, as far as it is known before the machine is there. */
export const setUpArgs = (
  { agentPort, root, ...spec }: HostSpec,
  { keys, addresses }: OperatorsSpec,
): SetUpArgs => ({
  keys,
  addresses,
  agent: { port: agentPort, from: [] },
  root,
  ...("swap" in spec ? { swap: spec.swap } : {}),
});

/** The private key to sign in with, where one is named. */
export const identityOf = ({ identity }: OperatorsSpec): Pick<SshTarget, "identity"> =>
  identity === undefined ? {} : { identity };
