import { join } from "node:path";
import type { Policies, ResourceValidation } from "@pulumi/policy";
import { dataHome } from "../components/host/local.ts";
import { type Container, containerType } from "./container.ts";
import { bindsWithin, type ContainerRule, unprivileged, withoutEngineSocket } from "./container-rules.ts";
import { protectedData } from "./data-rules.ts";
import { isolatedTenant, sharedNetworks } from "./tenant-rules.ts";

/** Config of the rule about binds. */
interface Roots {
  roots: string[];
}

/** Every rule with its name; a violation of any of them fails the preview. */
export const policies: Policies = [
  {
    name: "container-unprivileged",
    description: "No container is privileged.",
    validateResource: ofContainers(() => unprivileged),
  },
  {
    name: "container-without-engine-socket",
    description: "No container sees the Docker engine's socket.",
    validateResource: ofContainers(() => withoutEngineSocket),
  },
  {
    name: "container-binds-data-root",
    description: "Containers see nothing of a host but its data root.",
    configSchema: {
      properties: {
        roots: {
          type: "array",
          items: { type: "string" },
          description: "Data roots of hosts that name one, beside the default of a local host.",
          default: [],
        },
      },
    },
    validateResource: ofContainers(({ urn, getConfig }) =>
      bindsWithin([defaultRoot(urn), ...getConfig<Roots>().roots]),
    ),
  },
  {
    name: "tenant-isolated",
    description: "A tenant's container is limited, watched, unprivileged and on loopback only.",
    validateResource: ofContainers(() => isolatedTenant),
  },
  {
    name: "tenant-network-own",
    description: "No two tenants share a network.",
    validateStack: ({ resources }, report) => {
      for (const { urn, message } of sharedNetworks(resources)) report(message, urn);
    },
  },
  {
    name: "data-protected",
    description: "What holds replicas is protected from deletion.",
    validateResource: ({ type, opts, props }, report) => {
      for (const violation of protectedData(type, opts, props.name)) report(violation);
    },
  },
];

/** Where a local host of the stack keeps its data unless its entry says otherwise. */
const defaultRoot = (urn: string): string => join(dataHome(), urn.split(":")[2] ?? "");

/** A rule about containers as the engine calls it. */
function ofContainers(
  ruleOf: (args: Parameters<ResourceValidation>[0]) => ContainerRule,
): ResourceValidation {
  return (args, report) => {
    if (args.type !== containerType) return;
    for (const violation of ruleOf(args)(args.props as Container)) report(violation);
  };
}
