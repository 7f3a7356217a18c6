import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import type * as command from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { CertificateAuthority, Subject } from "./certificate-authority.ts";
import { bind, dockerName, fleetContainer, labelList, listensTest, loopbackPort } from "./container.ts";
import type { HostSpec, SyncSpec, TenantSpec } from "./fleet-config.ts";
import * as agent from "./host/agent.ts";
import { backupDirectories, statusDirectory } from "./host/backup.ts";
import type { HostCommandArgs } from "./host/command.ts";
import { backupExceptions, egressChain, egressExceptions, egressLines } from "./host/egress.ts";
import { type LayoutEntry, layoutLines, root } from "./host/layout.ts";
import { nginxConfig, nginxConfigDirectory, nginxHealthTest, nginxStartFile } from "./host/nginx.ts";
import type { ScriptInput, ScriptName } from "./host/shell.ts";
import { identityFiles, type TlsDirectory } from "./host/tls-files.ts";
import type { Machine } from "./machine/machine.ts";
import { entryPoint, runtimeImage } from "./runtime-image.ts";
import { callsAgents } from "./sync/control-hosts.ts";
import { type Transform, transformed } from "./transform.ts";

/** Arguments of {@link ClientHost}. */
export interface ClientHostArgs {
  stack: string;
  /** What it runs on. */
  machine: Machine;
  /** The tenants that live on it. */
  tenants: TenantSpec[];
  /** False: nothing runs on it, and everything on its disk stays. */
  running: boolean;
  /** The sync cluster whose nodes, and no others, its agent answers. */
  cluster: Pick<SyncSpec, "cluster" | "host" | "nodes">;
  /** Signs its agent's certificate. */
  authority: CertificateAuthority;
  /** Whether its tenants are backed up, of which its agent then tells. */
  backedUp?: boolean;
  /** Changes a child just before it is declared. */
  transform?: {
    network?: Transform<docker.NetworkArgs>;
    nginx?: Transform<docker.ContainerArgs>;
    agent?: Transform<docker.ContainerArgs>;
  };
}

/** Whose certificate goes where. */
export interface CertificateArgs {
  authority: CertificateAuthority;
  subject: Subject;
  directory: TlsDirectory;
}

/** A machine that runs tenants: its directories, nginx in front of them, the agent that reads their databases. */
export class ClientHost extends pulumi.ComponentResource {
  readonly spec: HostSpec;
  readonly machine: Machine;
  /** The engine its containers run in. */
  readonly docker: docker.Provider;
  /** Name of the image of agent and nodes in that engine. */
  readonly runtimeImage: pulumi.Output<string>;
  /** What has to be there before a site can be: nginx, or just its configuration while nothing runs. */
  readonly front: pulumi.Resource;
  /** How a container joins the network on which nodes reach the agent; empty while nothing runs. */
  readonly besideAgent: docker.types.input.ContainerNetworksAdvanced[] = [];
  /** What has to be there before a tenant's container may start. */
  readonly guarded: pulumi.Resource[];
  /** From where nodes call what answers them here. */
  readonly callers: pulumi.Input<agent.AgentCallers>;
  private readonly stack: string;
  private readonly salt: pulumi.Output<string>;
  private readonly images = new Map<string, docker.RemoteImage>();

  constructor(name: string, args: ClientHostArgs, opts?: pulumi.ComponentResourceOptions) {
    super("owui:fleet:ClientHost", name, {}, opts);
    const { stack, machine, running } = args;
    this.machine = machine;
    this.spec = machine.spec;
    this.stack = stack;
    this.callers = callersIn(machine, args.cluster);
    this.docker = new docker.Provider(`${name}-docker`, machine.engine, { parent: this });
    this.runtimeImage = runtimeImage(`${name}-runtime-image`, this.inEngine(this)).imageName;
    this.salt = new random.RandomPassword(`${name}-salt`, { length: 32 }, { parent: this }).result;
    const directories = this.createDirectories(name, args);
    const certified = this.certifyAgent(name, args, directories);
    const nginxFile = this.configureNginx(name, directories);
    this.guarded = [directories, this.keepTenantsFromPrivateRanges(name, args)];
    this.tellAgentOfSites(name, args, directories);
    this.front = running ? this.startNginx(name, args, nginxFile) : nginxFile;
    if (running) {
      const network = this.createAgentNetwork(name, args);
      this.startAgent(name, args, network, certified);
      this.besideAgent = [{ name: network.id }];
    }
    this.registerOutputs({ runtimeImage: this.runtimeImage });
  }

  /** Where nodes and monitoring call its agent. */
  get agentAddress(): pulumi.Output<string> {
    return this.doorOf({
      name: agent.agentName(this.spec.id),
      ...{ internal: agent.agentPort, external: this.spec.agentPort },
    });
  }

  /** Where nodes call what answers them here: by its name on their network, or, as soon as one runs elsewhere, by a port. */
  doorOf({ name, internal, external }: { name: string; internal: number; external: number }) {
    return this.calledAt === undefined
      ? pulumi.output(`${name}:${internal}`)
      : pulumi.interpolate`${this.calledAt}:${external}`;
  }

  /** The address at which nodes on other hosts call this one; undefined where there are none. */
  get calledAt(): pulumi.Output<string> | undefined {
    const { callers, privateAddress } = this.machine;
    return callers && privateAddress;
  }

  private agentConfig({
    cluster,
    backedUp,
  }: Pick<ClientHostArgs, "cluster" | "backedUp">): pulumi.Output<string> {
    return pulumi
      .output(this.callers)
      .apply((callers) => agent.agentConfig(this.spec, cluster, callers, backedUp));
  }

  /** Runs scripts on this host as root. */
  command(name: string, args: HostCommandArgs, opts: pulumi.CustomResourceOptions): command.local.Command {
    return this.machine.command(name, args, opts);
  }

  /** Brings directories and files below the host's data root into being; whatever the files hold is a secret. */
  layout(
    name: string,
    entries: LayoutEntry[],
    opts: pulumi.CustomResourceOptions,
    ...also: ScriptInput[]
  ): command.local.Command {
    const create: ScriptInput[] = [{ script: "layout", variables: { ROOT: this.spec.root } }, ...also];
    return this.command(name, { create, stdin: pulumi.secret(layoutLines(entries)) }, opts);
  }

  /**
   * Issues a certificate and puts it into its directory, new ones once everybody believes who issued them. `also`: what
   * makes a program take it that does not look by itself.
   */
  certify(
    name: string,
    { authority, subject, directory }: CertificateArgs,
    opts: { parent: pulumi.Resource; dependsOn: pulumi.Resource[] },
    ...also: ScriptInput[]
  ): pulumi.Resource {
    const identity = authority.issue(name, subject, opts.parent);
    const after = { ...opts, dependsOn: [...opts.dependsOn, ...authority.believed] };
    const shown = this.layout(`${name}-tls`, identityFiles(directory, identity), after, ...also);
    authority.shown.push(shown);
    return shown;
  }

  /** Absolute path of something below the data root. */
  path(...parts: string[]): string {
    return [this.spec.root, ...parts].join("/");
  }

  /** An upstream image in this host's engine, by its id: fetched once however many containers use it. */
  image(reference: string): pulumi.Output<string> {
    const image =
      this.images.get(reference) ??
      new docker.RemoteImage(
        `${this.spec.id}-image-${reference}`,
        { name: reference, keepLocally: true },
        this.inEngine(this),
      );
    this.images.set(reference, image);
    return image.imageId;
  }

  /**
   * What a container carries as a label so that it is replaced when files it reads at start change. Salted with a
   * secret of the host: nobody can try guesses at a key against it.
   */
  fingerprint(content: pulumi.Input<string>): pulumi.Output<string> {
    const digest = pulumi
      .all([this.salt, content])
      .apply(([salt, text]) => createHmac("sha256", salt).update(text).digest("hex").slice(0, 16));
    return pulumi.unsecret(digest);
  }

  private createDirectories(name: string, { cluster, backedUp }: ClientHostArgs): pulumi.Resource {
    const entries: LayoutEntry[] = [
      { kind: "directory", path: "tenants", mode: "0750", owner: "0:8050" },
      { kind: "directory", path: "nginx", mode: "0755", owner: root },
      { kind: "directory", path: "nginx/sites", mode: "0755", owner: root },
      ...(this.spec.https ? tlsLayout() : []),
      ...agent.agentLayout(this.agentConfig({ cluster, backedUp })),
      ...(backedUp ? backupDirectories : []),
    ];
    return this.layout(`${name}-directories`, entries, { parent: this });
  }

  /** nginx of this machine listens on its loopback, where no container looks. */
  private tellAgentOfSites(
    name: string,
    { tenants, running }: ClientHostArgs,
    directories: pulumi.Resource,
  ): void {
    if (this.spec.kind === "local") return;
    const open = tenants.filter((tenant) => running && tenant.running);
    this.layout(`${name}-sites`, [agent.agentSites(open)], { parent: this, dependsOn: [directories] });
  }

  private certifyAgent(name: string, { authority }: ClientHostArgs, directories: pulumi.Resource) {
    const args = {
      authority,
      subject: agent.agentSubject(this.spec.id, this.calledAt),
      directory: agent.agentTls,
    };
    return this.certify(`${name}-agent`, args, { parent: this, dependsOn: [directories] });
  }

  private configureNginx(name: string, directories: pulumi.Resource): pulumi.Resource {
    const opts = { parent: this, dependsOn: [directories] };
    return this.nginxFile(`${name}-nginx-config`, "nginx.conf", nginxConfig(this.spec), opts);
  }

  /** A file of nginx's configuration: tested with all others, taken back when refused, served by a reload. */
  nginxFile(
    name: string,
    file: string,
    content: pulumi.Input<string>,
    opts: pulumi.CustomResourceOptions,
    again?: pulumi.Input<string>,
  ): command.local.Command {
    return this.installInNginx(name, "install-nginx-file", { file, content, again }, opts);
  }

  /** The same of certificates with their key, which only root can read. */
  nginxCertificate(
    name: string,
    file: string,
    pem: pulumi.Input<string>,
    opts: pulumi.CustomResourceOptions,
  ): command.local.Command {
    return this.installInNginx(
      name,
      "install-nginx-certificate",
      { file, content: pulumi.secret(pem) },
      opts,
    );
  }

  private installInNginx(
    name: string,
    install: ScriptName,
    {
      file,
      content,
      again,
    }: { file: string; content: pulumi.Input<string>; again?: pulumi.Input<string> | undefined },
    opts: pulumi.CustomResourceOptions,
  ): command.local.Command {
    const nginx = { NGINX: this.path("nginx"), CONTAINER: dockerName({ stack: this.stack, role: "nginx" }) };
    const reload: ScriptInput = { script: "reload-nginx", variables: nginx };
    const change = (script: ScriptName): ScriptInput => ({ script, variables: { ...nginx, FILE: file } });
    return this.command(
      name,
      {
        create: [change(install), reload],
        delete: [change("remove-nginx-file"), reload],
        stdin: content,
        ...(again === undefined ? {} : { again }),
      },
      opts,
    );
  }

  private keepTenantsFromPrivateRanges(
    name: string,
    { stack, tenants, backedUp }: ClientHostArgs,
  ): pulumi.Resource {
    const exceptions = [...egressExceptions(tenants), ...(backedUp ? backupExceptions(stack, tenants) : [])];
    const variables = { CHAIN: egressChain(stack) };
    return this.command(
      `${name}-egress`,
      {
        create: [{ script: "egress", variables }],
        delete: [{ script: "remove-egress", variables }],
        stdin: egressLines(exceptions),
        again: this.machine.started,
      },
      { parent: this },
    );
  }

  private startNginx(name: string, { transform }: ClientHostArgs, config: pulumi.Resource): docker.Container {
    const args = fleetContainer({
      identity: { stack: this.stack, role: "nginx" },
      image: this.image("nginx:stable-bookworm"),
      ...(this.spec.https
        ? {
            labels: { "owui.start": this.fingerprint(startNginx()) },
            entrypoints: ["sh"],
            command: [`${nginxConfigDirectory}/${nginxStartFile}`],
          }
        : {
            entrypoints: ["nginx"],
            command: ["-c", `${nginxConfigDirectory}/nginx.conf`, "-g", "daemon off;"],
          }),
      networkMode: "host",
      mounts: [bind(this.path("nginx"), nginxConfigDirectory)],
      readOnly: true,
      tmpfs: { "/tmp": "size=64m", "/var/cache/nginx": "size=1m", "/run": "size=1m" },
      // The master opens ports below 1024 and hands its workers to the user nginx.
      capabilities: {
        adds: ["CAP_CHOWN", "CAP_NET_BIND_SERVICE", "CAP_SETGID", "CAP_SETUID"],
        drops: ["ALL"],
      },
      memory: { limit: 512 * 2 ** 20 },
      health: { test: nginxHealthTest(this.spec.http), startPeriod: "10s", interval: "3s" },
    });
    return new docker.Container(
      `${name}-nginx`,
      transformed(transform?.nginx, args),
      this.inEngine(this, [config]),
    );
  }

  private createAgentNetwork(name: string, { transform }: ClientHostArgs): docker.Network {
    const args: docker.NetworkArgs = {
      name: `owui-${this.stack}-control`,
      labels: labelList({ "owui.stack": this.stack }),
    };
    return new docker.Network(`${name}-control`, transformed(transform?.network, args), this.inEngine(this));
  }

  private startAgent(
    name: string,
    { cluster, backedUp, transform }: ClientHostArgs,
    network: docker.Network,
    certified: pulumi.Resource,
  ): void {
    const args = fleetContainer({
      identity: { stack: this.stack, role: "agent" },
      // It follows its certificate by itself; only another configuration needs a start.
      labels: { "owui.config": this.fingerprint(this.agentConfig({ cluster, backedUp })) },
      image: this.runtimeImage,
      command: entryPoint("agent"),
      user: agent.agentUser,
      networksAdvanced: [{ name: network.id, aliases: [agent.agentName(this.spec.id)] }],
      ports: [
        {
          ...loopbackPort(agent.agentPort, this.spec.agentPort),
          ...(this.calledAt ? { ip: this.calledAt } : {}),
        },
      ],
      mounts: [
        bind(this.path("tenants"), "/tenants"),
        bind(this.path("agent/config"), "/etc/fleet"),
        bind(this.path("agent/state"), "/state", "read-write"),
        ...(backedUp ? [bind(this.path(statusDirectory), "/backup")] : []),
      ],
      readOnly: true,
      // Readers are its children: two of them may hold a large row each.
      memory: { limit: 512 * 2 ** 20 },
      health: { test: listensTest(agent.agentPort), startPeriod: "10s", interval: "3s" },
    });
    new docker.Container(
      `${name}-agent`,
      transformed(transform?.agent, args),
      this.inEngine(this, [certified]),
    );
  }

  /** Options of whatever is in this host's engine: on another machine it is made anew, since it went with the one before. */
  inEngine(parent: pulumi.Resource, dependsOn: pulumi.Resource[] = []): pulumi.CustomResourceOptions {
    const { target, started } = this.machine;
    return { parent, provider: this.docker, dependsOn, ...(target ? { replacementTrigger: started } : {}) };
  }
}

/** From where nodes call what answers them on a machine: those on it by their network, others from their addresses. */
function callersIn(
  { spec, callers }: Machine,
  cluster: ClientHostArgs["cluster"],
): pulumi.Input<agent.AgentCallers> {
  if (!callers) return "neighbours";
  const beside = callsAgents(spec.id, cluster) ? ["neighbours"] : [];
  return callers.apply((addresses) => [...beside, ...addresses.map((address) => `${address}/32`)]);
}

/** What nginx' configuration has besides on a host that offers TLS. */
const tlsLayout = (): LayoutEntry[] => [
  { kind: "directory", path: "nginx/shared", mode: "0755", owner: root },
  { kind: "directory", path: "nginx/tls", mode: "0700", owner: root },
  { kind: "file", path: `nginx/${nginxStartFile}`, mode: "0444", owner: root, content: startNginx() },
];

/** Text of what starts nginx where it follows certificates. */
const startNginx = (): string => readFileSync(new URL("host/start-nginx.sh", import.meta.url), "utf8");
