import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { locked } from "../../../toolchain/setup/lock.mjs";
import { askNode, ClusterClient, type SyncLine } from "./cluster-client.ts";
import { run } from "./command.ts";
import { Driver, type FleetStatus } from "./driver.ts";
import { type Container, Engine } from "./engine.ts";
import { fetchJson, type Origin } from "./http.ts";
import { logo } from "./logo.ts";
import { Netspace } from "./netspace.ts";
import { Replica } from "./replica.ts";
import { seat, seatStack } from "./seat.ts";
import { adminOf, PORTS, StackFile } from "./stack-file.ts";
import { type Session, TenantClient } from "./tenant-client.ts";
import { until } from "./until.ts";

/** Whether a run takes up the fleet that an earlier one left, and leaves its own. */
const keeps = Boolean(process.env.OWUI_E2E_KEEP);

const MODEL_FAKE = fileURLToPath(new URL("./model-fake.ts", import.meta.url));
const ALERT_SINK = fileURLToPath(new URL("./alert-sink.ts", import.meta.url));

/** What the program exports, with its secrets. */
export interface StackOutputs {
  tenants: Record<string, { url: string; admin: { email: string; password: string } }>;
  operatorKey: string;
}

/** A node's answer to /health, as far as the tests read it. */
export interface NodeHealth {
  node: string;
  is_leader: boolean;
  epoch: number;
}

/**
 * The one fleet of the end-to-end suite: stack `e2e` (seat.ts) with a data home, ports and networks of its own, so
 * that it never touches a fleet that somebody runs on the same engine.
 */
export class Fleet {
  readonly stack = seatStack;
  /** Everything the suite writes; a fixed place, so that a run finds what a killed one left. */
  readonly workspace = join(tmpdir(), `open-webui-infrastructure-${this.stack}`);
  readonly home = join(this.workspace, "home");
  /** The data root of the stack's only host. */
  readonly root = join(this.home, this.stack);
  readonly logo = join(this.workspace, "acme.svg");
  /** Where tenants are backed up to, in scenarios that have them backed up. */
  readonly backups = join(this.workspace, "backups");
  readonly file = new StackFile(join(this.workspace, `Pulumi.${this.stack}.yaml`));
  readonly engine = new Engine(this.stack);
  readonly driver = new Driver(this.stack, this.file.path, this.home, join(this.workspace, "logs"));
  readonly replica = new Replica(PORTS.database, () => this.secretFile("postgres/config/superuser-password"));
  /** Where the fake model server and other things that tenants may or may not reach stand. */
  readonly outside = new Netspace(`owui-${this.stack}`, `198.18.${77 + seat}.2`, `198.18.${77 + seat}.1`);
  /** The fake model server out there, on all of the namespace's addresses. */
  readonly model: Origin = { address: this.outside.address, port: 8000, domain: this.outside.address };
  /** Where alerts end, out there as well: a webhook's receiver, and a mail server beside it. */
  readonly sink: Origin = { ...this.model, port: 8001 };
  readonly mailPort = 2525;
  #outputs: StackOutputs | undefined;
  #endTurn = () => {};

  /**
   * An empty workspace with the stack's first file, and nothing of an earlier run on the engine; the
   * network outside is made in any case, since what runs in it ends with a run.
   */
  async prepare(): Promise<void> {
    await this.#takeTurn();
    if (!keeps || !existsSync(this.file.path)) {
      await this.dispose();
      await mkdir(this.workspace, { recursive: true, mode: 0o700 });
      await this.drawLogo("#0a5");
      await this.file.create(this.logo);
    }
    await this.outside.create();
    await this.outside.start(MODEL_FAKE, ["0.0.0.0", String(this.model.port)]);
    await this.outside.start(ALERT_SINK, [String(this.sink.port), String(this.mailPort)]);
  }

  /** What the end of a run does: everything goes, unless it is to be looked at. */
  async finish(): Promise<void> {
    if (keeps) await this.outside.remove();
    else await this.dispose();
    this.#endTurn();
  }

  /** Two runs on one machine take turns: they have names, ports and places in common. */
  #takeTurn(): Promise<void> {
    return new Promise((begun, failed) => {
      const turn = new Promise<void>((ended) => {
        this.#endTurn = ended;
      });
      const work = () => {
        begun();
        return turn;
      };
      locked(this.stack, console.log, work).catch(failed);
    });
  }

  /**
   * Removes everything the suite made, by the project's own command where that still works, which also
   * takes the host's firewall rules; safe to repeat.
   */
  async dispose(): Promise<void> {
    await this.#unmount();
    if ((await this.engine.containers()).length > 0)
      await this.driver.down(["--purge", "--yes"]).catch(console.warn);
    await this.engine.removeEverything();
    await this.outside.remove();
    await rm(this.workspace, { recursive: true, force: true });
  }

  /** What a scenario has mounted in the workspace goes with all that it held. */
  async #unmount(): Promise<void> {
    const places = (await readFile("/proc/mounts", "utf8"))
      .split("\n")
      .map((line) => line.split(" ")[1] ?? "");
    for (const place of places.filter((path) => path.startsWith(`${this.workspace}/`)))
      await run(["umount", "--lazy", place]);
  }

  /** Applies the stack's file. */
  async up(): Promise<string> {
    const { stdout } = await this.driver.up();
    this.#outputs = undefined;
    return stdout;
  }

  /** Writes acme's logo in one colour. */
  async drawLogo(colour: string): Promise<void> {
    await writeFile(this.logo, logo(colour));
  }

  /** Encrypts a value into the stack's file, as an operator does. */
  async setSecret(path: string, value: string): Promise<void> {
    await this.driver.pulumi(["config", "set", "--secret", "--path", path], { input: value });
  }

  /** Which containers run, since when: equal snapshots mean that nothing restarted in between. */
  async snapshot(): Promise<Record<string, Pick<Container, "id" | "startedAt">>> {
    const containers = await Promise.all(
      (await this.engine.containers()).map((name) => this.engine.container(name)),
    );
    return Object.fromEntries(containers.map(({ name, id, startedAt }) => [name, { id, startedAt }]));
  }

  /** The same of everything but one tenant. */
  async snapshotBeside(tenant: string): ReturnType<Fleet["snapshot"]> {
    const { [this.name(`tenant-${tenant}`)]: _, ...rest } = await this.snapshot();
    return rest;
  }

  name(role: string): string {
    return `owui-${this.stack}-${role}`;
  }

  tenant(id: string): TenantClient {
    return new TenantClient({ address: "127.0.0.1", port: PORTS.http, domain: `${id}.localhost` });
  }

  /** The stack's outputs in plain text, read once after every `up`. */
  async outputs(): Promise<StackOutputs> {
    if (!this.#outputs) {
      const { stdout } = await this.driver.pulumi(["stack", "output", "--json", "--show-secrets"]);
      this.#outputs = JSON.parse(stdout) as StackOutputs;
    }
    return this.#outputs;
  }

  /** Signs in as a tenant's admin with the password the stack holds. */
  async signIn(tenant: string): Promise<Session> {
    const entry = (await this.outputs()).tenants[tenant];
    if (!entry) throw new Error(`the stack exports no tenant ${tenant}`);
    return this.tenant(tenant).signIn(adminOf(tenant), entry.admin.password);
  }

  /** Has the fake model send one piece more of its answer. */
  nextPiece(): Promise<unknown> {
    return fetchJson(this.model, "/fake/next", { method: "POST" });
  }

  /** A node's interface; either node answers for the whole cluster. */
  async cluster(node: keyof typeof PORTS.nodes = "a"): Promise<ClusterClient> {
    return new ClusterClient(PORTS.nodes[node], (await this.outputs()).operatorKey);
  }

  /** What a node says of itself to anybody. */
  async nodeHealth(node: string): Promise<NodeHealth> {
    const port = node === "a" ? PORTS.nodes.a : PORTS.nodes.b;
    return (await askNode(port, "GET", "/health")).body as NodeHealth;
  }

  /** The tenant's line of `npm run status -- --json`. */
  async tenantStatus(id: string): Promise<FleetStatus["tenants"][number]> {
    const line = (await this.driver.status()).tenants.find((tenant) => tenant.id === id);
    if (!line) throw new Error(`status names no tenant ${id}`);
    return line;
  }

  /** Asks for a sync now and waits for one that ended after that, in the wanted way. */
  async syncUntil(tenant: string, wanted: "success" | "failed"): Promise<SyncLine> {
    const cluster = await this.cluster();
    const before = (await cluster.sync(tenant)).last?.finished_at;
    await cluster.trigger(tenant);
    return until(`a sync of ${tenant} that ends as ${wanted}`, async () => {
      const line = await cluster.sync(tenant);
      const status = line.last?.status === "unchanged" ? "success" : line.last?.status;
      return line.last?.finished_at !== before && status === wanted && line;
    });
  }

  /** Lets operations be taken on at once whose command was killed; after a minute of silence they could be anyway. */
  async endHolds(): Promise<void> {
    await this.replica.query(
      "UPDATE sync_metadata.operations SET held_until = clock_timestamp() - interval '1 second' WHERE ended_at IS NULL",
    );
  }

  secretFile(path: string): Promise<string> {
    return readFile(join(this.root, path), "utf8");
  }
}
