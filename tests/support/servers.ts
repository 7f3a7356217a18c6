import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { docker, exists } from "../../toolchain/fakes/digitalocean/docker/engine.ts";
import { EngineRoots } from "../../toolchain/fakes/digitalocean/docker/engine-roots.ts";
import { DockerMachines } from "../../toolchain/fakes/digitalocean/docker/machines.ts";
import { type Supabase, startSupabase } from "../../toolchain/fakes/supabase/supabase.ts";
import { acmeImage, databaseImage, fleetImages, monitoringImages } from "../../toolchain/images/catalog.ts";
import { locked } from "../../toolchain/setup/lock.mjs";
import { until } from "./fleet/until.ts";

/** Nobody else's ranges: where users and operators reach servers, and where these reach each other. */
const [publicRange, privateRange] = ["198.18.200.0/24", "198.19.200.0/24"];
/** This machine, as the servers see it. */
const operatorAddress = "198.18.200.1";
const databaseAddress = "198.18.200.4";

/** A machine with Debian and root's key, and nothing else: no cloud knows it, and no Docker is installed. */
export interface Server {
  address: string;
  privateAddress: string;
  /** Read past the network, as on its console. */
  hostKey: string;
  /** Name of the container that it is. */
  container: string;
}

/** Servers that are there before any `up`, and a Postgres that is somebody else's, all on networks of their own. */
export class Servers {
  readonly #folder: string;
  readonly #machines: DockerMachines;
  #booted = 0;

  private constructor(folder: string, engines: EngineRoots) {
    this.#folder = folder;
    this.#machines = new DockerMachines({ folder: join(folder, "machines"), publicRange, engines });
  }

  /** @param images what their Docker engines find once they are installed, besides what every host needs */
  static async create(folder: string, images: readonly string[]): Promise<Servers> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if (!existsSync(join(folder, "operator")))
      await promisify(execFile)("ssh-keygen", [
        "-q",
        "-t",
        "ed25519",
        "-N",
        "",
        "-f",
        join(folder, "operator"),
      ]);
    const upstream = fleetImages.filter((image) => image !== databaseImage);
    // With that, just what the staging stack's droplets begin with: one template serves both.
    const all = [...upstream, ...monitoringImages, acmeImage, ...images];
    const engines = await locked("fake-droplets", console.log, () => EngineRoots.with(all, console.log));
    const servers = new Servers(folder, engines);
    await servers.#machines.prepare();
    return servers;
  }

  /** Who may sign in, and from where, as a stack's config says it. */
  async operators() {
    const key = await readFile(join(this.#folder, "operator.pub"), "utf8");
    return {
      keys: [key.trim()],
      addresses: [`${operatorAddress}/32`],
      identity: join(this.#folder, "operator"),
    };
  }

  /** Boots the next one; the same one again where an earlier run left it. */
  async boot(hostname: string): Promise<Server> {
    const id = ++this.#booted;
    const server = { address: `198.18.200.${15 + id}`, privateAddress: `198.19.200.${15 + id}` };
    const container = this.#machines.nameOf(id);
    if (!(await exists("container", container)))
      await this.#machines.create({
        ...{ id, hostname, image: "debian-12-x64", memory: 4096, vcpus: 2, ...server },
        vpc: { id: "00000000-servers", ipRange: privateRange },
        publicKeys: (await this.operators()).keys,
        userData: "#cloud-config\n{}\n",
      });
    const keyFile = "/etc/ssh/ssh_host_ed25519_key.pub";
    const shown = await until(
      `${hostname} has booted`,
      () => docker(["exec", container, "sh", "-c", `cloud-init status --wait >/dev/null; cat ${keyFile}`]),
      180,
    );
    return { ...server, container, hostKey: shown.split(" ").slice(0, 2).join(" ") };
  }

  startDatabase(): Promise<Supabase> {
    return startSupabase({
      ...{ home: this.#folder, name: `${this.#machines.publicNetwork}-database`, names: [databaseAddress] },
      network: { name: this.#machines.publicNetwork, address: databaseAddress },
    });
  }

  async remove(): Promise<void> {
    await this.#machines.clear();
  }
}
