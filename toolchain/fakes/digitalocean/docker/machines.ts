import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { dropletImage } from "../../../images/catalog.ts";
import type { BlockDevice, DropletDriver, Machine } from "../driver.ts";
import type { PacketPolicy } from "../packet-policy.ts";
import { docker, exists } from "./engine.ts";
import { EngineRoots } from "./engine-roots.ts";
import { packetFilter } from "./packet-filter.ts";
import { seedOf } from "./seed.ts";

export interface MachinesSettings {
  /** Seeds and volumes' files; only its owner may look in. Absolute, and the same path for the engine. */
  folder: string;
  /** The droplets' public network. */
  publicRange: string;
  /** What a droplet's own Docker engine begins with; absent: nothing. */
  engines?: EngineRoots | undefined;
}

/** Everything of one fake carries its name, so that two fakes on one engine keep apart. */
const label = "owui.fake-cloud";

/** A droplet gets the processors of its size, as far as the machine has so many: more of them Docker refuses. */
const processors = (vcpus: number): string => String(Math.min(vcpus, availableParallelism()));

/** Only these file systems can be told their size by a file: a volume's GiB are sparse. */
const gibibyte = 1024 ** 3;

/**
 * What systemd and a nested Docker engine need, and no more: the container is not privileged, since that takes a
 * capability that machines in a sandbox do not have.
 */
const systemdArguments = [
  ...["--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE"],
  ...["--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"],
  ...["--security-opt", "systempaths=unconfined", "--device-cgroup-rule", "a *:* rwm"],
  ...["--cgroupns", "private"],
  ...["--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec"],
  ...["--volume", "/var/lib/containerd"],
];

/** Images of this engine into that of a container, by way of a pipe. */
const carry = async (images: readonly string[], container: string): Promise<void> => {
  const line =
    'set -o pipefail; to=$1; shift; docker save "$@" | docker exec --interactive "$to" docker load --quiet';
  await promisify(execFile)("bash", ["-c", line, "carry", container, ...images]);
};

/** Droplets as containers of the local Docker engine. Starts nothing and removes nothing but its own. */
export class DockerMachines implements DropletDriver {
  readonly #folder: string;
  readonly #publicRange: string;
  readonly #engines: EngineRoots | undefined;
  /** Part of every name: eight hex digits of the folder. */
  readonly #tag: string;

  constructor({ folder, publicRange, engines }: MachinesSettings) {
    this.#folder = folder;
    this.#engines = engines;
    this.#publicRange = publicRange;
    this.#tag = createHash("sha256").update(folder).digest("hex").slice(0, 8);
  }

  /** A droplet's container. */
  nameOf(id: number): string {
    return `owui-droplet-${this.#tag}-${id}`;
  }

  get publicNetwork(): string {
    return `owui-cloud-${this.#tag}`;
  }

  get #labels(): string[] {
    return ["--label", `${label}=${this.#tag}`];
  }

  async prepare(): Promise<void> {
    await mkdir(join(this.#folder, "volumes"), { recursive: true, mode: 0o700 });
    await mkdir(join(this.#folder, "droplets"), { recursive: true, mode: 0o700 });
    await this.#network(this.publicNetwork, this.#publicRange, []);
  }

  async #network(name: string, range: string, more: readonly string[]): Promise<void> {
    if (await exists("network", name)) return;
    await docker(["network", "create", ...this.#labels, "--subnet", range, ...more, name]);
  }

  async create(machine: Machine): Promise<void> {
    const name = this.nameOf(machine.id);
    if (!(await exists("container", name))) {
      const vpc = `owui-vpc-${this.#tag}-${machine.vpc.id.slice(0, 8)}`;
      await this.#network(vpc, machine.vpc.ipRange, ["--internal"]);
      await this.#seed(machine);
      const engine = await this.#engines?.make(this.#rootOf(machine.id));
      await docker(["create", ...this.#arguments(machine, engine)]);
      await docker(["network", "connect", "--ip", machine.privateAddress, vpc, name]);
    }
    await this.powerOn(machine.id);
  }

  /** A droplet's own engine's, among those of every fake. */
  #rootOf(id: number): string {
    return `${this.#tag}-${id}`;
  }

  #arguments({ id, hostname, memory, vcpus, address }: Machine, engine: string | undefined): string[] {
    return [
      ...["--name", this.nameOf(id), "--hostname", hostname, ...this.#labels],
      ...["--network", this.publicNetwork, "--ip", address],
      ...["--memory", `${memory}m`, "--memory-swap", `${memory}m`, "--cpus", processors(vcpus)],
      ...systemdArguments,
      // An engine cannot lay its layers over those of the engine it runs in.
      ...["--volume", engine === undefined ? "/var/lib/docker" : `${engine}:/var/lib/docker`],
      ...["--volume", `${this.#home(id)}/hardware:/var/lib/droplet:ro`],
      ...["--volume", `${this.#home(id)}/seed:/var/lib/cloud/seed/nocloud:ro`],
      dropletImage,
    ];
  }

  #home(id: number): string {
    return join(this.#folder, "droplets", String(id));
  }

  async #seed(machine: Machine): Promise<void> {
    const seed = join(this.#home(machine.id), "seed");
    await mkdir(seed, { recursive: true, mode: 0o700 });
    for (const [file, content] of Object.entries(seedOf(machine))) {
      await writeFile(join(seed, file), content, { mode: 0o600 });
    }
    for (const file of ["devices", "addresses"]) {
      await this.#setHardware(machine.id, file, await this.#hardware(machine.id, file));
    }
  }

  /** The lines of one of the files that droplet-hardware reads; none before there is one. */
  async #hardware(id: number, file: string): Promise<string[]> {
    const path = join(this.#home(id), "hardware", file);
    const text = await readFile(path, "utf8").catch(() => "");
    return text.split("\n").filter(Boolean);
  }

  async #setHardware(id: number, file: string, lines: readonly string[]): Promise<void> {
    const folder = join(this.#home(id), "hardware");
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(join(folder, file), lines.map((line) => `${line}\n`).join(""), { mode: 0o600 });
  }

  async runs(id: number): Promise<boolean> {
    const name = this.nameOf(id);
    if (!(await exists("container", name))) return false;
    return (await docker(["inspect", "--format", "{{.State.Running}}", name])) === "true";
  }

  /**
   * Gives a droplet's own engine what it lacks of the images that new ones begin with, as a registry would; nothing where
   * it has none yet.
   */
  async stock(id: number): Promise<void> {
    const name = this.nameOf(id);
    if (!this.#engines || !(await this.runs(id))) return;
    const listing = ["exec", name, "docker", "images", "--format", "{{.Repository}}:{{.Tag}}"];
    const there = await docker(listing).catch(() => undefined);
    const missing = this.#engines.images.filter((image) => !there?.split("\n").includes(image));
    if (there !== undefined && missing.length > 0) await carry(missing, name);
  }

  async powerOn(id: number): Promise<void> {
    await docker(["start", this.nameOf(id)]);
  }

  async powerOff(id: number, gracefully: boolean): Promise<void> {
    const name = this.nameOf(id);
    await docker(gracefully ? ["stop", "--time", "60", name] : ["kill", name]).catch((error: Error) => {
      if (!error.message.includes("is not running")) throw error;
    });
  }

  async resize(id: number, memory: number, vcpus: number): Promise<void> {
    const limits = ["--memory", `${memory}m`, "--memory-swap", `${memory}m`, "--cpus", processors(vcpus)];
    await docker(["update", ...limits, this.nameOf(id)]);
  }

  /** The cloud's name alone: a machine keeps its host name, as a real one does. */
  async rename(): Promise<void> {}

  async remove(id: number): Promise<void> {
    if (await exists("container", this.nameOf(id))) {
      await docker(["rm", "--force", "--volumes", this.nameOf(id)]);
      await EngineRoots.remove(this.#rootOf(id));
    }
    await rm(this.#home(id), { recursive: true, force: true });
  }

  async reserve(id: number, address: string | undefined): Promise<void> {
    await this.#setHardware(id, "addresses", address === undefined ? [] : [address]);
    await this.#plug(id);
  }

  /** Lets a droplet that runs see its hardware as it is now; one that is off, or not there yet, sees it when it starts. */
  async #plug(id: number): Promise<void> {
    if (await this.runs(id)) await docker(["exec", this.nameOf(id), "/usr/local/sbin/droplet-hardware"]);
  }

  #fileOf(volume: string): string {
    return join(this.#folder, "volumes", `${volume}.img`);
  }

  /** Runs a program of the droplets' image next to them: with the machine's devices, network and this fake's volumes. */
  #beside(argv: readonly string[], input = ""): Promise<string> {
    const mounts = ["--volume", "/dev:/dev", "--volume", `${this.#folder}/volumes:/volumes`];
    const rights = ["--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE", "--device-cgroup-rule", "a *:* rwm"];
    const [program = "", ...rest] = argv;
    const entry = ["--network", "host", "--entrypoint", program, dropletImage, ...rest];
    return docker(["run", "--rm", "--interactive", ...this.#labels, ...rights, ...mounts, ...entry], input);
  }

  async createVolume({ id, size, filesystem, label: text }: BlockDevice): Promise<void> {
    const file = this.#fileOf(id);
    await writeFile(file, "", { mode: 0o600 });
    await truncate(file, size * gibibyte);
    if (filesystem === "") return;
    const named = text === "" ? [] : ["-L", text];
    await this.#beside([`mkfs.${filesystem}`, "-q", ...named, `/volumes/${id}.img`]);
  }

  async growVolume({ id, size }: BlockDevice): Promise<void> {
    await truncate(this.#fileOf(id), size * gibibyte);
    const device = await this.#loopOf(id);
    if (device) await this.#beside(["losetup", "--set-capacity", device]);
  }

  async removeVolume(id: string): Promise<void> {
    await this.#release(id);
    await rm(this.#fileOf(id), { force: true });
  }

  /** The loop device of a volume; told apart by the file's inode, since every container sees it at another path. */
  async #loopOf(id: string): Promise<string | undefined> {
    const { ino } = await stat(this.#fileOf(id));
    const listed = await this.#beside(["losetup", "--noheadings", "--raw", "--output", "NAME,BACK-INO"]);
    return listed
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .find(([, inode]) => inode === String(ino))?.[0];
  }

  async #release(id: string): Promise<void> {
    const device = await this.#loopOf(id).catch(() => undefined);
    if (device) await this.#beside(["losetup", "--detach", device]);
  }

  async attach(machine: number, volume: BlockDevice): Promise<void> {
    const loop =
      (await this.#loopOf(volume.id)) ??
      (await this.#beside(["losetup", "--find", "--show", `/volumes/${volume.id}.img`]));
    const number = /^\/dev\/loop(\d+)$/.exec(loop)?.[1];
    if (number === undefined) throw new Error(`losetup answered ${loop}`);
    await this.#plugDevices(machine, volume.name, [`7 ${number} ${volume.name}`]);
  }

  async detach(machine: number, volume: BlockDevice): Promise<void> {
    await this.#plugDevices(machine, volume.name, []);
    await this.#release(volume.id);
  }

  async #plugDevices(machine: number, volume: string, own: readonly string[]): Promise<void> {
    const before = await this.#hardware(machine, "devices");
    await this.#setHardware(machine, "devices", [
      ...before.filter((line) => !line.endsWith(` ${volume}`)),
      ...own,
    ]);
    await this.#plug(machine);
  }

  async filter(policies: readonly PacketPolicy[]): Promise<void> {
    await this.#beside(["nft", "--file", "-"], packetFilter(`owui_cloud_${this.#tag}`, policies));
  }

  /** Removes every machine, network and rule of this fake; volumes' files and seeds stay. */
  async clear(): Promise<void> {
    const filter = ["--filter", `label=${label}=${this.#tag}`, "--quiet"];
    const containers = (await docker(["ps", "--all", ...filter])).split("\n").filter(Boolean);
    if (containers.length > 0) await docker(["rm", "--force", "--volumes", ...containers]);
    await EngineRoots.remove(`${this.#tag}-*`);
    const files = await readdir(join(this.#folder, "volumes")).catch(() => []);
    for (const file of files) await this.#release(file.replace(/\.img$/, ""));
    const table = `owui_cloud_${this.#tag}`;
    await this.#beside(["nft", "--file", "-"], `table inet ${table}\ndelete table inet ${table}\n`);
    const networks = (await docker(["network", "ls", ...filter])).split("\n").filter(Boolean);
    if (networks.length > 0) await docker(["network", "rm", ...networks]);
  }
}
