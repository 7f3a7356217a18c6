import { findCommandLine } from "../setup/command-line.mjs";
import { effectiveFile, readSource, sourceFile } from "../setup/effective-config.ts";
import { fleetOf } from "../setup/fleet.ts";
import { Pulumi } from "../setup/pulumi.ts";
import { readCheckpoint } from "../setup/stack-state.ts";
import { Steps } from "../setup/steps.mjs";
import { type FleetOutputs, fleetOutputs } from "./fleet-outputs.ts";
import { throughTunnel } from "./tunnel.ts";

/** What every command is told. */
export interface Invocation {
  stack: string;
  /** The operator's file, when it is not Pulumi.<stack>.yaml of the checkout. */
  configFile?: string;
  /** Its clouds are fakes on this machine. */
  fake?: boolean;
  /** Machine-readable result on stdout; everything else goes to stderr. */
  json?: boolean;
}

/** The operator's file of a command. */
export const configOf = ({ stack, configFile }: Invocation): string => sourceFile(stack, configFile);

/** Steps go where they do not mix with a machine-readable result. */
export const stepsOf = ({ json }: Invocation): Steps => new Steps(json ? process.stderr : process.stdout);

/** The stack as it was last brought up: its outputs and the fleet they belong to. */
export interface LastUp {
  outputs: FleetOutputs;
  fleet: ReturnType<typeof fleetOf>;
}

/** What the last `up` of a stack left; undefined when there was none, or it did not get through. */
export async function lastUp(stack: string): Promise<LastUp | undefined> {
  const [cli, checkpoint] = await Promise.all([findCommandLine(), readCheckpoint(stack)]);
  if (!cli || !checkpoint) return undefined;
  const [outputs, source] = await Promise.all([
    fleetOutputs(new Pulumi(stack, cli)),
    readSource(effectiveFile(stack)),
  ]);
  const fleet = fleetOf(stack, source);
  return outputs && { outputs: await throughTunnel(fleet, outputs), fleet };
}

/** What to say where a fleet is asked for that was never brought up. */
export const noFleet = (stack: string): string =>
  `There is no fleet in stack ${stack} yet. \`npm run up\` brings it up.\n`;
