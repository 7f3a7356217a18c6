import type * as pulumi from "@pulumi/pulumi";
import type { Identity } from "../certificate-authority.ts";

/** A name that leads to a host. */
export interface NameRecord {
  /** Whole, `chat.acme.example`. */
  domain: string;
  /** IPv4. */
  address: pulumi.Input<string>;
  /** Whether it leads to the service's proxy, and that to the host. */
  proxied: boolean;
  /** Id of whose it is. */
  tenant: string;
}

/** What holds names and tells the world where they lead. Another service is another of these, in a file of its own. */
export interface NameService {
  /** Makes a name lead to a host; undefined where the service does not hold it, and an operator has to. */
  record(name: string, record: NameRecord, opts: pulumi.CustomResourceOptions): pulumi.Resource | undefined;
  /** What stands in front of proxied names; absent where the service has no proxy. */
  proxy?: FrontProxy;
}

/** What stands between users and the hosts of proxied names. */
export interface FrontProxy {
  /** Networks it comes from, IPv4 and IPv6. */
  networks: pulumi.Output<string[]>;
  /** Authorities of the certificate by which a host knows it, PEM. */
  authorities: pulumi.Output<string>;
  /** A certificate for these names that the proxy believes, and nobody else. */
  certify(name: string, domains: string[], parent: pulumi.Resource): Identity;
  /** Makes it show a certificate to the hosts of these names; what has happened then. */
  introduce(name: string, domains: string[], parent: pulumi.Resource): pulumi.Resource[];
}
