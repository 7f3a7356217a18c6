import * as pulumi from "@pulumi/pulumi";
import { type Fleet, FleetConfigError, parseFleet, stackConfig } from "./fleet-config.ts";
import { dataHome } from "./host/local.ts";

/** The fleet that the config of the stack being run declares; a config that is wrong ends the program without a trace. */
export function readFleet(): Fleet {
  const raw = stackConfig(pulumi.getProject(), pulumi.runtime.allConfig());
  try {
    return parseFleet(pulumi.getStack(), raw, { repository: process.cwd(), dataHome: dataHome() });
  } catch (error) {
    throw error instanceof FleetConfigError ? new pulumi.RunError(error.message) : error;
  }
}
