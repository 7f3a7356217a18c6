import { readFileSync } from "node:fs";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { Identity } from "./certificate-authority.ts";
import type { ClientHost } from "./client-host.ts";
import { bind, dockerName, fleetContainer } from "./container.ts";
import type { AcmeSpec } from "./fleet-config.ts";
import { type LayoutEntry, type Owner, root } from "./host/layout.ts";
import { certificateFile } from "./host/site.ts";

/** Days before its end on which a certificate is renewed; Let's Encrypt's last 90. */
const renewDays = 30;

/** Seconds from one look at what is due to the next, and up to two thirds more: a refusal is answered as seldom as Let's Encrypt wants it. */
const roundSeconds = 900;

/** Of Debian's version, so that one script fits both makes. */
const image = "goacme/lego:v4.9.1";

/** Nobody in particular; nginx' master reads what it writes by the group. */
const user: Owner = "8053:0";

/** Arguments of {@link Acme}. */
export interface AcmeArgs {
  stack: string;
  spec: AcmeSpec;
}

/** Whose site is certified, and for which names: its own first. */
export interface CertifiedSite {
  host: ClientHost;
  tenant: string;
  domains: string[];
  /** Shown until the authority has certified. */
  meanwhile: Identity;
}

/**
 * Certificates by an authority that asks a host whether it answers under a name. A client on each such host looks after
 * them for ever, without operator or `up`; what nginx shows is a file of its own, which exists from the first moment on.
 */
export class Acme {
  private readonly args: AcmeArgs;
  private readonly ready = new Map<ClientHost, pulumi.Resource>();
  private readonly clients = new Map<ClientHost, docker.Container>();

  constructor(args: AcmeArgs) {
    this.args = args;
  }

  /** Says for which names a site is to be certified; behind it there is something for nginx to show. */
  want(
    name: string,
    { host, tenant, domains, meanwhile }: CertifiedSite,
    opts: { parent: pulumi.Resource; dependsOn: pulumi.Resource[] },
  ): pulumi.Resource {
    const variables = { ROOT: host.spec.root, TENANT: tenant };
    const { certificate, key } = meanwhile;
    const stdin = pulumi.all([certificate, key]).apply((pems) => certificateFile(...pems));
    return host.command(
      `${name}-site-tls`,
      {
        create: [{ script: "want-certificate", variables: { ...variables, DOMAINS: domains.join(" ") } }],
        delete: [{ script: "forget-certificate", variables }],
        stdin: pulumi.secret(stdin),
      },
      { ...opts, dependsOn: [...opts.dependsOn, this.directories(host)] },
    );
  }

  /** Has it certified now, behind what makes the site answer under its names. */
  request(
    name: string,
    { host, tenant, domains }: Omit<CertifiedSite, "meanwhile">,
    email: string,
    opts: { parent: pulumi.Resource; dependsOn: pulumi.Resource[] },
  ): void {
    const client = this.client(host, email);
    const { directory } = this.args.spec;
    const variables = { TENANT: tenant, CONTAINER: this.container };
    host.command(
      `${name}-site-certified`,
      { create: [{ script: "request-certificate", variables }], again: [...domains, directory].join(" ") },
      { ...opts, dependsOn: [...opts.dependsOn, client] },
    );
  }

  private get container(): string {
    return dockerName({ stack: this.args.stack, role: "acme" });
  }

  private directories(host: ClientHost): pulumi.Resource {
    const directory = (path: string, mode: string, owner: Owner): LayoutEntry => ({
      ...{ kind: "directory", path, mode, owner },
    });
    const { root: authority } = this.args.spec;
    const entries: LayoutEntry[] = [
      directory("acme", "0755", root),
      directory("acme/config", "0755", root),
      directory("acme/config/wanted", "0755", root),
      directory("acme/state", "0700", user),
      directory("nginx/acme", "0755", root),
      directory("nginx/acme/challenge", "0755", user),
      directory("nginx/acme/certificates", "0750", user),
      { kind: "file", path: "acme/config/acme.sh", mode: "0444", owner: root, content: script() },
      ...(authority === undefined
        ? []
        : [
            {
              kind: "file" as const,
              path: "acme/config/root.pem",
              mode: "0444",
              owner: root,
              content: authority,
            },
          ]),
    ];
    const ready =
      this.ready.get(host) ??
      host.layout(`${host.spec.id}-acme-directories`, entries, { parent: host, dependsOn: [host.front] });
    this.ready.set(host, ready);
    return ready;
  }

  private client(host: ClientHost, email: string): docker.Container {
    const { directory, root: authority, email: chosen = email } = this.args.spec;
    const args = () =>
      fleetContainer({
        identity: { stack: this.args.stack, role: "acme" },
        labels: { "owui.config": host.fingerprint(`${script()}${authority ?? ""}`) },
        image: host.image(image),
        entrypoints: ["sh"],
        command: ["/etc/fleet/acme.sh", "watch"],
        user,
        // The one container that calls the world; it is called by nobody.
        networkMode: "bridge",
        envs: [
          `DIRECTORY=${directory}`,
          `EMAIL=${chosen}`,
          ...(authority === undefined ? [] : ["LEGO_CA_CERTIFICATES=/etc/fleet/root.pem"]),
          `RENEW_DAYS=${renewDays}`,
          `ROUND_SECONDS=${roundSeconds}`,
        ],
        mounts: [
          bind(host.path("acme/config"), "/etc/fleet"),
          bind(host.path("acme/state"), "/state", "read-write"),
          bind(host.path("nginx/acme"), "/nginx", "read-write"),
        ],
        readOnly: true,
        tmpfs: { "/tmp": "size=1m" },
        memory: { limit: 128 * 2 ** 20 },
        // It says each time that it waits; the longest wait is 25 minutes.
        health: {
          test: ["CMD-SHELL", '[ -n "$(find /tmp/alive -mmin -60)" ]'],
          startPeriod: "10s",
          interval: "10s",
        },
      });
    const client =
      this.clients.get(host) ??
      new docker.Container(`${host.spec.id}-acme`, args(), {
        ...{ parent: host, provider: host.docker, dependsOn: [this.directories(host)] },
      });
    this.clients.set(host, client);
    return client;
  }
}

const script = (): string => readFileSync(new URL("host/acme.sh", import.meta.url), "utf8");
