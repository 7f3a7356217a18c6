import * as command from "@pulumi/command";
import * as digitalocean from "@pulumi/digitalocean";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import type { DropletSpec, OperatorsSpec } from "../fleet-config.ts";
import { type Cloud, cloudName } from "./cloud.ts";
import { cloudInit } from "./cloud-init.ts";
import { dropletSteps } from "./first-contact.ts";
import { type Found, identityOf, setUpArgs } from "./remote-machine.ts";
import { operatorUser } from "./set-up.ts";
import { everywhere } from "./visitors.ts";

/** What a droplet is made from. */
export interface DropletArgs {
  stack: string;
  spec: DropletSpec;
  operators: OperatorsSpec;
  cloud: Cloud;
  /** Ports that only its callers reach. */
  inside: number[];
  callers: Callers;
  /** Whether all of them reach it over the private network of its region; else they come over the public one. */
  neighbour: boolean;
  /** Networks from which its sites are opened. */
  visitors: pulumi.Output<string[]>;
}

/** Who calls from other hosts: droplets with one of the tags, and machines at these addresses. */
export interface Callers {
  tags: string[];
  addresses: string[];
}

/** A droplet with its firewall, address and volume; children of `parent`. */
export function makeDroplet(name: string, args: DropletArgs, parent: pulumi.Resource): Found {
  const { stack, spec, operators, cloud, neighbour } = args;
  const keyOf = (of: string) => new tls.PrivateKey(`${name}-${of}`, { algorithm: "ED25519" }, { parent });
  // Each generation begins with a key of its own, so that its user-data is another one whatever else stayed as it was.
  const firstKey = keyOf(ofGeneration("first-host-key", spec));
  const hostKey = keyOf("host-key");
  const tag = new digitalocean.Tag(`${name}-tag`, { name: cloudName(stack, spec.id) }, { parent });
  const firewall = createFirewall(name, args, tag, parent);
  const volume = createVolume(name, args, parent);
  const droplet = new digitalocean.Droplet(
    `${name}-droplet`,
    {
      name: cloudName(stack, spec.id),
      region: spec.region,
      size: spec.size,
      image: spec.image,
      vpcUuid: cloud.networks.get(spec.region)?.id ?? "",
      sshKeys: [cloud.sshKey],
      userData: keepUserData(name, args, firstKey, parent),
      tags: [cloud.tag.name, tag.name],
      monitoring: true,
      // A smaller size is possible again; what grows is the volume.
      resizeDisk: false,
      // Containers end before the volume is taken away.
      gracefulShutdown: true,
      ...(volume ? { volumeIds: [volume.id] } : {}),
    },
    {
      parent,
      protect: true,
      // One volume is in one droplet.
      deleteBeforeReplace: true,
      dependsOn: [firewall],
    },
  );
  const { address, assigned } = reserveAddress(name, args, droplet, parent);
  const privateAddress = neighbour ? droplet.ipv4AddressPrivate : droplet.ipv4Address;
  const contact = pulumi
    .all([address, firstKey.publicKeyOpenssh, hostKey.publicKeyOpenssh])
    .apply(([address, firstKey, hostKey]) => ({
      first: { user: operatorUser, address, hostKey: firstKey.trim(), ...identityOf(operators) },
      steps: dropletSteps(hostKey.trim()),
    }));
  return {
    address,
    privateAddress,
    sources: pulumi.all([droplet.ipv4AddressPrivate, droplet.ipv4Address]),
    hostKey: hostKey.publicKeyOpenssh.apply((text) => text.trim()),
    instance: droplet.id,
    contact,
    stdin: pulumi.secret(hostKey.privateKeyOpenssh),
    ...(volume ? { volume: volume.name } : {}),
    dependsOn: [...assigned, firewall],
  };
}

/** The first generation's name is the bare one. */
const ofGeneration = (name: string, { generation }: DropletSpec): string =>
  generation === 1 ? name : `${name}-${generation}`;

/**
 * User-data as it was when the droplet was made: what operators or the set-up say later reaches it over ssh, and does not
 * make it anew. Its generation does.
 */
function keepUserData(
  name: string,
  { spec, operators }: DropletArgs,
  key: tls.PrivateKey,
  parent: pulumi.Resource,
): pulumi.Output<string> {
  const userData = pulumi
    .all([key.privateKeyOpenssh, key.publicKeyOpenssh])
    .apply(([secret, open]) =>
      cloudInit({ ...setUpArgs(spec, operators), hostKey: { private: secret, public: open.trim() } }),
    );
  const kept = new command.local.Command(
    ofGeneration(`${name}-user-data`, spec),
    {
      create: "cat",
      stdin: pulumi.secret(userData),
      logging: command.types.enums.local.Logging.None,
      addPreviousOutputInEnv: false,
    },
    { parent, ignoreChanges: ["create", "stdin"], additionalSecretOutputs: ["stdout"] },
  );
  return pulumi.secret(kept.stdout);
}

/** What reaches it from outside; the same rules stand on the machine itself. */
function createFirewall(
  name: string,
  { stack, spec, operators, visitors, inside, callers: { tags, addresses } }: DropletArgs,
  tag: digitalocean.Tag,
  parent: pulumi.Resource,
): digitalocean.Firewall {
  // A rule without any source would be refused.
  const web = visitors.apply((networks) =>
    networks.length === 0
      ? []
      : ["80", "443"].map((portRange) => ({ protocol: "tcp", portRange, sourceAddresses: networks })),
  );
  const from = {
    ...(tags.length > 0 ? { sourceTags: tags } : {}),
    ...(addresses.length > 0 ? { sourceAddresses: addresses } : {}),
  };
  const callers =
    tags.length + addresses.length > 0
      ? inside.map((port) => ({ protocol: "tcp", portRange: String(port), ...from }))
      : [];
  return new digitalocean.Firewall(
    `${name}-firewall`,
    {
      name: cloudName(stack, spec.id),
      // By its tag it stands before the droplet does.
      tags: [tag.name],
      inboundRules: web.apply((web) => [
        { protocol: "tcp", portRange: "22", sourceAddresses: operators.addresses },
        ...web,
        ...callers,
        { protocol: "icmp", sourceAddresses: everywhere },
      ]),
      outboundRules: [
        ...["tcp", "udp"].map((protocol) => ({
          protocol,
          portRange: "all",
          destinationAddresses: everywhere,
        })),
        { protocol: "icmp", destinationAddresses: everywhere },
      ],
    },
    { parent },
  );
}

/** Block storage for what the host must not lose. Its file system is made by the set-up, which never makes one over another. */
function createVolume(
  name: string,
  { stack, spec, cloud }: DropletArgs,
  parent: pulumi.Resource,
): digitalocean.Volume | undefined {
  if (spec.volume === undefined) return undefined;
  return new digitalocean.Volume(
    `${name}-volume`,
    {
      name: cloudName(stack, spec.id),
      region: spec.region,
      size: spec.volume,
      description: `Tenants' data of host ${spec.id}, stack ${stack}`,
      tags: [cloud.tag.name],
    },
    { parent, protect: true },
  );
}

/** The address users open: of its own and for good, or the droplet's. */
function reserveAddress(
  name: string,
  { spec }: DropletArgs,
  droplet: digitalocean.Droplet,
  parent: pulumi.Resource,
): { address: pulumi.Output<string>; assigned: pulumi.Resource[] } {
  if (!spec.reservedIp) return { address: droplet.ipv4Address, assigned: [droplet] };
  const { region } = spec;
  const reserved = new digitalocean.ReservedIp(`${name}-address`, { region }, { parent, protect: true });
  const assigned = new digitalocean.ReservedIpAssignment(
    `${name}-assignment`,
    { ipAddress: reserved.ipAddress, dropletId: droplet.id.apply(Number) },
    { parent },
  );
  return { address: reserved.ipAddress, assigned: [assigned] };
}
