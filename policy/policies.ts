import { join } from "node:path";
import type { Policies, ResourceValidation } from "@pulumi/policy";
import { dataHome } from "../components/host/local.ts";
import { brandingBasis } from "./branding-rules.ts";
import {
  type Droplet,
  dropletKeys,
  dropletType,
  type Firewall,
  firewallOpenings,
  firewallType,
  openDroplets,
} from "./cloud-rules.ts";
import { type Container, containerType } from "./container.ts";
import {
  bindsWithin,
  type ContainerRule,
  confined,
  publishedPorts,
  unprivileged,
  withoutEngineSocket,
} from "./container-rules.ts";
import { protectedData } from "./data-rules.ts";
import { imageByContent, imageByDigest } from "./image-rules.ts";
import { secretFreeCommand, secretFreeContainer } from "./secret-rules.ts";
import { type TenantData, tenantDataWriters } from "./tenant-data-rules.ts";
import { isolatedTenant, sharedNetworks } from "./tenant-rules.ts";

/** Config of the rule about binds. */
interface Roots {
  roots: string[];
}

/** Config of the rule about looks: the declared basis of each branded tenant. */
interface Bases {
  bases: Record<string, string>;
}

/** Config of the rule about upstream images. */
interface Tags {
  allowed: boolean;
  built: string[];
}

/** A list of texts in a rule's config. */
const texts = { type: "array", items: { type: "string" } } as const;

/** Every rule with its name; a violation of a mandatory one (all but one are) fails the preview. */
export const policies: Policies = [
  {
    name: "container-unprivileged",
    description: "No container is privileged.",
    validateResource: ofContainers(() => unprivileged),
  },
  {
    name: "container-confined",
    description: "No container has power over its host: no such capability, namespace or device.",
    validateResource: ofContainers(() => confined),
  },
  {
    name: "container-ports-named",
    description: "No container publishes a port on every address of its host.",
    validateResource: ofContainers(() => publishedPorts),
  },
  {
    name: "container-image-fixed",
    description: "Containers name their images by what these hold.",
    validateResource: ofContainers(() => imageByContent),
  },
  {
    name: "image-by-digest",
    description: "Upstream images are asked for by digest.",
    enforcementLevel: "advisory",
    configSchema: {
      properties: {
        allowed: { type: "boolean", description: "Whether tags will do, as on one machine.", default: true },
        built: {
          ...texts,
          description: "Images that were built here: no registry has a digest.",
          default: [],
        },
      },
    },
    validateResource: ({ type, props, getConfig }, report) => {
      const { allowed, built } = getConfig<Tags>();
      if (type !== "docker:index/remoteImage:RemoteImage" || allowed) return;
      for (const violation of imageByDigest(String(props.name), built)) report(violation);
    },
  },
  {
    name: "secrets-in-files",
    description:
      "No secret stands in a container's environment or labels, or in a command's text or environment.",
    validateResource: ({ type, props }, report) => {
      const found =
        type === containerType
          ? secretFreeContainer(props as Container)
          : /^command:(local|remote):Command$/.test(type)
            ? secretFreeCommand(props)
            : [];
      for (const violation of found) report(violation);
    },
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
          ...texts,
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
    name: "tenant-data-writers",
    description: "Into a tenant's data writes its own container, and the writer where its entry says so.",
    configSchema: {
      properties: {
        roots: { ...texts, description: "Data roots of hosts that name one.", default: [] },
        written: { ...texts, description: "Tenants that are synced both ways.", default: [] },
      },
    },
    validateResource: ofContainers(({ urn, getConfig }) => (container) => {
      const { roots, written } = getConfig<TenantData>();
      return tenantDataWriters(container, { roots: [defaultRoot(urn), ...roots], written });
    }),
  },
  {
    name: "branding-basis",
    description: "Who shows a look of one's own declares what allows it.",
    configSchema: {
      properties: {
        bases: { type: "object", description: "Each branded tenant's basis.", default: {} },
      },
    },
    validateResource: ofContainers(
      ({ getConfig }) =>
        (container) =>
          brandingBasis(container, getConfig<Bases>().bases),
    ),
  },
  {
    name: "firewall-closed",
    description: "Everybody reaches 80 and 443 and nothing else; port 22 is the operators'.",
    validateResource: ({ type, props }, report) => {
      if (type !== firewallType) return;
      for (const violation of firewallOpenings(props as Firewall)) report(violation);
    },
  },
  {
    name: "droplet-behind-firewall",
    description: "A firewall stands in front of every droplet.",
    validateStack: ({ resources }, report) => {
      for (const { urn, message } of openDroplets(resources)) report(message, urn);
    },
  },
  {
    name: "droplet-with-key",
    description: "No droplet is made with a password.",
    validateResource: ({ type, props }, report) => {
      if (type !== dropletType) return;
      for (const violation of dropletKeys(props as Droplet)) report(violation);
    },
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
    description: "What holds data or is known by an address is protected from deletion.",
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
