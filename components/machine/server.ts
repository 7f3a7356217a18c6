import * as pulumi from "@pulumi/pulumi";
import type { OperatorsSpec, SshHostSpec } from "../fleet-config.ts";
import { serverSteps } from "./first-contact.ts";
import { type Found, identityOf, setUpArgs } from "./remote-machine.ts";
import { setUp } from "./set-up.ts";

/** Where a server's connections to the fleet's other machines come from. */
export const serverAddresses = ({ address, privateAddress }: SshHostSpec): string[] => [
  ...new Set([privateAddress, address]),
];

/** A server that is there: met as whoever may sign in to it, and known by the key that it has. */
export function findServer(spec: SshHostSpec, operators: OperatorsSpec): Found {
  const { address, privateAddress, hostKey, user } = spec;
  const first = { user, address, hostKey, ...identityOf(operators) };
  return {
    address: pulumi.output(address),
    privateAddress: pulumi.output(privateAddress),
    sources: pulumi.output(serverAddresses(spec)),
    hostKey: pulumi.output(hostKey),
    instance: pulumi.output(hostKey),
    contact: pulumi.output({ first, steps: serverSteps(setUp(setUpArgs(spec, operators)), user) }),
    dependsOn: [],
  };
}
