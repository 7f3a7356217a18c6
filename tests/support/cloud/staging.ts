import { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { request as plain, type RequestOptions } from "node:http";
import { request as secure } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type pg from "pg";
import { expect } from "vitest";
import { parse, stringify } from "yaml";
import type { Account as CloudflareAccount, DnsRecord } from "../../../toolchain/fakes/cloudflare/model.ts";
import { docker } from "../../../toolchain/fakes/digitalocean/docker/engine.ts";
import { DockerMachines } from "../../../toolchain/fakes/digitalocean/docker/machines.ts";
import type { Account, Droplet } from "../../../toolchain/fakes/digitalocean/model.ts";
import type { FaultInput } from "../../../toolchain/fakes/http/faults.ts";
import type { RequestLine } from "../../../toolchain/fakes/http/request-log.ts";
import { locked } from "../../../toolchain/setup/lock.mjs";
import { Driver, type FleetStatus } from "../fleet/driver.ts";
import { type Session, TenantClient } from "../fleet/tenant-client.ts";
import { until } from "../fleet/until.ts";

/** A run takes up the fleet that an earlier one left, and leaves its own: with `1` as it is, with `end` as the last scenario does. */
const kept = process.env.OWUI_CLOUD_KEEP;
const keeps = Boolean(kept);

/** Whether the fleet is to be there afterwards. */
export const goesOn = kept === "1";

/** What the tests change of the stack's file. */
export interface StagingConfig {
  hosts: Record<string, Record<string, unknown>>;
  tenants: Record<string, Record<string, unknown>>;
  [key: string]: unknown;
}

/** What the stack's outputs say, as far as the tests read it. */
interface Outputs {
  hosts: Record<string, { target: { address: string } }>;
  tenants: Record<string, { admin: { email: string; password: string } }>;
  certificateAuthority: string;
}

/** How a site answered. */
export interface Seen {
  status: number;
  location: string | undefined;
  body: string;
}

/** For what makes machines and starts applications on them, ms. */
export const patience = 25 * 60_000;

/** A tenant's entry, as short as one may be, but for how often it is synced. */
export const entryOf = (id: string, host: string): Record<string, unknown> => ({
  ...{ host, domain: `${id}.fleet.example`, admin: { email: `admin@${id}.example` } },
  sync: { interval: "1m" },
});

/**
 * The staging stack in clouds of its own: a data home apart from any other's, droplets that boot, the project's own
 * commands. One fleet for a whole run, and with OWUI_CLOUD_KEEP=1 for the next one too.
 */
export class Staging {
  readonly stack: string;
  /** Everything the suite writes; a fixed place, so that a run finds what a killed one left. */
  readonly workspace: string;
  readonly home: string;
  readonly file: string;
  readonly driver: Driver;
  readonly #cloud: string;
  readonly #machines: DockerMachines;
  readonly #arrange: (config: StagingConfig) => void;
  #outputs: Outputs | undefined;
  #endTurn = () => {};

  /**
   * @param stack another name for a fleet apart from that of the staging suite
   * @param arrange changes the file of the checkout before anything is made of it
   */
  constructor(stack = "staging", arrange: (config: StagingConfig) => void = () => {}) {
    this.stack = stack;
    const apart = stack === "staging" ? "" : `-${stack}`;
    this.workspace = join(tmpdir(), `open-webui-infrastructure-cloud${apart}`);
    this.home = join(this.workspace, "home");
    this.file = join(this.workspace, `Pulumi.${stack}.yaml`);
    this.driver = new Driver(stack, this.file, this.home, join(this.workspace, "logs"), ["--fake"], say);
    this.#cloud = join(this.home, "stacks", stack, "cloud");
    this.#machines = new DockerMachines({ folder: join(this.#cloud, "machines"), publicRange: "" });
    this.#arrange = arrange;
  }

  /** The file of the checkout in an empty workspace, unless a fleet is taken up. */
  async prepare(): Promise<void> {
    await this.#takeTurn();
    if (keeps && existsSync(this.file)) return;
    await this.dispose();
    await mkdir(this.workspace, { recursive: true, mode: 0o700 });
    await writeFile(this.file, await readFile("Pulumi.staging.yaml"));
    await this.edit(this.#arrange);
  }

  async finish(): Promise<void> {
    if (!keeps) await this.dispose();
    this.#endTurn();
  }

  /** Two runs on one machine take turns: they have a place in common, and a machine that is none too large. */
  #takeTurn(): Promise<void> {
    return new Promise((begun, failed) => {
      const turn = new Promise<void>((ended) => {
        this.#endTurn = ended;
      });
      const work = () => {
        begun();
        return turn;
      };
      locked("cloud-tests", say, work).catch(failed);
    });
  }

  /** Removes everything the suite made, by the project's own command as long as there is a stack. */
  async dispose(): Promise<void> {
    if (existsSync(this.file)) await this.driver.down(["--purge", "--yes"]);
    await rm(this.workspace, { recursive: true, force: true });
  }

  /** Changes the stack's file, as an operator does. */
  async edit(change: (config: StagingConfig) => void): Promise<void> {
    const document = parse(await readFile(this.file, "utf8")) as { config: StagingConfig };
    change(document.config);
    await writeFile(this.file, stringify(document));
  }

  /** Applies the file; answers what the command printed. */
  async up(flags: string[] = []): Promise<string> {
    this.#outputs = undefined;
    return (await this.driver.up({ flags })).stdout;
  }

  /** Applies the file where that has to fail; answers all that was printed. */
  async upFails(): Promise<string> {
    this.#outputs = undefined;
    const { code, stdout, stderr } = await this.driver.up({ mayFail: true });
    expect(code).not.toBe(0);
    return `${stdout}\n${stderr}`;
  }

  /** A preview that has to be refused; answers all that was printed. */
  async previewFails(): Promise<string> {
    const { code, stdout, stderr } = await this.driver.preview([], { mayFail: true });
    expect(code).not.toBe(0);
    return `${stdout}\n${stderr}`;
  }

  /** Whether the next `up` would leave everything as it is. */
  async nothingIsDue(): Promise<void> {
    const report = JSON.parse((await this.driver.preview(["--json"])).stdout);
    expect(report).toMatchObject({ subjects: [], errors: [] });
    expect(Object.keys(report.counts)).toEqual(["same"]);
  }

  /** How the fleet is, once every tenant is healthy with an equal replica that was verified after `since`. */
  well(since: number): Promise<FleetStatus> {
    return until(
      "every tenant is healthy, and its replica equal",
      async () => {
        const status = await this.driver.status();
        const fine = status.tenants.every(
          ({ health, replica }) =>
            health === "healthy" && replica.equal && Date.parse(replica.verified_at ?? "") > since,
        );
        return fine && status.nodes.some(({ leader }) => leader) && status;
      },
      600,
    );
  }

  async outputs(): Promise<Outputs> {
    this.#outputs ??= JSON.parse(
      (await this.driver.pulumi(["stack", "output", "--json", "--show-secrets"])).stdout,
    ) as Outputs;
    return this.#outputs;
  }

  /** Where users reach a host. */
  async addressOf(host: string): Promise<string> {
    return (await this.outputs()).hosts[host]?.target.address ?? "";
  }

  /** The account, as the fake remembers it. */
  async account(): Promise<Account> {
    return JSON.parse(await readFile(join(this.#cloud, "digitalocean.json"), "utf8"));
  }

  /** Droplets of a host: one, but while something goes wrong. */
  async dropletsOf(host: string): Promise<Droplet[]> {
    const { droplets } = await this.account();
    return droplets.filter(({ name }) => name === `owui-${this.stack}-${host}`);
  }

  /** The container that a host's droplet is. */
  async machine(host: string): Promise<string> {
    const [droplet] = await this.dropletsOf(host);
    if (!droplet) throw new Error(`host ${host} has no droplet`);
    return this.#machines.nameOf(droplet.id);
  }

  /** The network that droplets' public addresses are of. */
  get publicNetwork(): string {
    return this.#machines.publicNetwork;
  }

  /** Containers of the local engine that are droplets of this account, running or not. */
  async machines(): Promise<string[]> {
    const prefix = this.#machines.nameOf(0).replace(/0$/, "");
    const listed = await docker(["ps", "--all", "--format", "{{.Names}}", "--filter", `name=${prefix}`]);
    return listed.split("\n").filter(Boolean).sort();
  }

  /** An address of the droplets' public network, by its number in it. */
  async place(number: number): Promise<string> {
    const { plan } = JSON.parse(await readFile(join(this.#cloud, "settled.json"), "utf8"));
    return plan.public.replace(/\d+\/\d+$/, String(number));
  }

  /** The replicas' Postgres, as its platform's own administrator: for tests that look at what nodes recorded. */
  async database(): Promise<pg.ClientConfig> {
    const kept = join(this.#cloud, `${this.publicNetwork}-database.json`);
    const { platformPassword, ca } = JSON.parse(await readFile(kept, "utf8"));
    return {
      ...{ host: await this.place(4), port: 5432, database: "postgres" },
      ...{ user: "supabase_admin", password: platformPassword },
      // By whichever name: it is known by its authority.
      ssl: { ca, checkServerIdentity: () => undefined },
    };
  }

  /** Runs a shell line in a host's droplet as root, past all doors. */
  async within(host: string, line: string): Promise<string> {
    return docker(["exec", await this.machine(host), "sh", "-c", line]);
  }

  /** Every container of the fleet on the named hosts: its name, and what is another whenever it was started. */
  async containers(...hosts: string[]): Promise<Record<string, string>> {
    const format = "{{.Name}}\t{{.Id}} {{.State.StartedAt}}";
    const line = `docker ps -q | xargs -r docker inspect --format '${format}'`;
    const told = await Promise.all(hosts.map(async (host) => [host, await this.within(host, line)] as const));
    return Object.fromEntries(
      told.flatMap(([host, lines]) =>
        lines
          .split("\n")
          .filter(Boolean)
          .map((each) => {
            const [name = "", started = ""] = each.split("\t");
            return [`${host}${name}`, started];
          }),
      ),
    );
  }

  /** Tells a fake what is to go wrong; it listens while a command runs. */
  async harm(fake: "digitalOcean" | "cloudflare", faults: FaultInput[]): Promise<void> {
    const settled = JSON.parse(await readFile(join(this.#cloud, "settled.json"), "utf8"));
    const url = `http://127.0.0.1:${settled[`${fake}Port`]}/fake/faults`;
    for (const fault of faults) {
      await until(
        "the fake takes a fault",
        async () => {
          const { ok } = await fetch(url, { method: "POST", body: JSON.stringify(fault) });
          return ok;
        },
        180,
      );
    }
  }

  /** DNS records of every zone. */
  async records(): Promise<DnsRecord[]> {
    const { zones } = JSON.parse(
      await readFile(join(this.#cloud, "cloudflare.json"), "utf8"),
    ) as CloudflareAccount;
    return zones.flatMap(({ records }) => records);
  }

  /** The requests that the clouds got since a moment, ms. */
  async requests(since: number): Promise<RequestLine[]> {
    const lines = (await readFile(join(this.#cloud, "requests.log"), "utf8")).split("\n").filter(Boolean);
    return lines.map((line) => JSON.parse(line)).filter(({ time }) => Date.parse(time) >= since);
  }

  /** Who certified what a host shows for a site, and for which names; seen from the host itself. */
  async certified(host: string, domain: string): Promise<{ issuer: string; names: string }> {
    const shown = await this.within(
      host,
      `openssl s_client -connect 127.0.0.1:443 -servername ${domain} </dev/null 2>/dev/null`,
    );
    const certificate = new X509Certificate(shown.slice(shown.indexOf("-----BEGIN")));
    return { issuer: certificate.issuer, names: certificate.subjectAltName ?? "" };
  }

  /** Asks a host for a site over TLS, as whoever believes those who certify there. */
  async site(host: string, domain: string, path = "/health"): Promise<Seen> {
    const ca = await this.authorities();
    return ask(secure as typeof plain, { ...(await this.at(host, domain, path)), servername: domain, ca });
  }

  /** The same over plain HTTP. */
  async plainSite(host: string, domain: string, path = "/health"): Promise<Seen> {
    return ask(plain, await this.at(host, domain, path));
  }

  private async at(host: string, domain: string, path: string): Promise<RequestOptions> {
    return { host: await this.addressOf(host), headers: { Host: domain }, path };
  }

  /** Who certifies sites: the stack itself, and the cloud's own authority. */
  private async authorities(): Promise<string> {
    const { certificateAuthority } = await this.outputs();
    return `${certificateAuthority}\n${await readFile(join(this.#cloud, "lets-encrypt.pem"), "utf8")}`;
  }

  /** A tenant as its users reach it. */
  async tenant(id: string, host: string, domain = `${id}.fleet.example`): Promise<TenantClient> {
    const ca = await this.authorities();
    return new TenantClient({ address: await this.addressOf(host), port: 443, domain, ca });
  }

  /** Signs in as a tenant's admin with the password the stack holds. */
  async signIn(id: string, host: string, domain?: string): Promise<Session> {
    const admin = (await this.outputs()).tenants[id]?.admin;
    if (!admin) throw new Error(`the stack exports no tenant ${id}`);
    return (await this.tenant(id, host, domain)).signIn(admin.email, admin.password);
  }
}

const ask = (how: typeof plain, options: RequestOptions & { ca?: string; servername?: string }) =>
  new Promise<Seen>((resolve, reject) => {
    const asked = how({ ...options, agent: false, timeout: 10_000 });
    asked.once("error", reject);
    asked.once("timeout", () => asked.destroy(new Error("no answer in ten seconds")));
    asked.once("response", async (answer) => {
      const { statusCode: status = 0, headers } = answer;
      resolve({ status, location: headers.location, body: await text(answer) });
    });
    asked.end();
  });

/** What a long run is doing, past what the runner keeps until a test has ended. */
function say(line: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
}
