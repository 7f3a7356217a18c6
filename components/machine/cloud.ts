import { createHash } from "node:crypto";
import * as digitalocean from "@pulumi/digitalocean";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

/** Arguments of {@link Cloud}. */
export interface CloudArgs {
  stack: string;
  /** Where the stack has droplets. */
  regions: string[];
}

/** What the droplets of a stack share. */
export class Cloud extends pulumi.ComponentResource {
  /** Fingerprint of the key with which droplets are made. Nobody signs in with it: a droplet without one mails a password. */
  readonly sshKey: pulumi.Output<string>;
  /** The private network of each region. */
  readonly networks: Map<string, digitalocean.Vpc>;
  /** Every droplet of the stack has it. */
  readonly tag: digitalocean.Tag;

  constructor(name: string, { stack, regions }: CloudArgs, opts?: pulumi.ComponentResourceOptions) {
    super("owui:fleet:Cloud", name, {}, opts);
    const parent = { parent: this };
    const key = new tls.PrivateKey(`${name}-key`, { algorithm: "ED25519" }, parent);
    const publicKey = key.publicKeyOpenssh.apply((text) => text.trim());
    this.sshKey = new digitalocean.SshKey(
      `${name}-ssh-key`,
      { name: cloudName(stack), publicKey },
      parent,
    ).fingerprint;
    this.tag = new digitalocean.Tag(`${name}-tag`, { name: cloudName(stack) }, parent);
    this.networks = new Map(
      [...new Set(regions)].map((region) => [
        region,
        new digitalocean.Vpc(`${name}-network-${region}`, { name: cloudName(stack, region), region }, parent),
      ]),
    );
    this.registerOutputs({});
  }
}

/** Names in the account begin alike, `owui-staging-fra1-a`; the cloud takes 64 characters of lower case at most. */
export function cloudName(stack: string, of?: string): string {
  const name = of === undefined ? `owui-${stack}` : `owui-${stack}-${of}`;
  if (name.length <= 63) return name;
  return `${name.slice(0, 54)}-${createHash("sha256").update(name).digest("hex").slice(0, 8)}`;
}
