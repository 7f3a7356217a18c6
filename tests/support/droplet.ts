import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { EngineRoots } from "../../toolchain/fakes/digitalocean/docker/engine-roots.ts";
import { DockerMachines } from "../../toolchain/fakes/digitalocean/docker/machines.ts";
import { until } from "./fleet/until.ts";
import { vacate } from "./vacate.ts";

const run = promisify(execFile);

/** A machine as a cloud makes one, for tests of what speaks to it over ssh. */
export interface Droplet {
  address: string;
  /** Its host key, `ssh-ed25519 AAAA…`. */
  hostKey: string;
  /** Options by which ssh opens root, and knows the machine by its key alone. */
  sshOptions: string[];
  /** Runs a command as root; what it printed. Fails with what it said. */
  ssh: (command: string, input?: NodeJS.ReadableStream) => Promise<string>;
  remove: () => Promise<void>;
}

export interface DropletSettings {
  /** The network it gets, `198.19.242` for 198.19.242.0/24; the VPC's has the next number. Nobody else's. */
  network: [number, number, number];
  /** cloud-init's. */
  userData: string;
  /** MB. */
  memory?: number;
  /** What its own engine begins with; absent: nothing. */
  engines?: EngineRoots;
}

/** Boots a droplet of a fake cloud, without its API, and waits until cloud-init has ended. */
export const bootDroplet = async ({
  network: [a, b, c],
  userData,
  memory = 2048,
  engines,
}: DropletSettings): Promise<Droplet> => {
  const folder = await mkdtemp(join(tmpdir(), "owui-droplet-"));
  const identity = join(folder, "key");
  await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", identity]);
  const machines = new DockerMachines({ folder, publicRange: `${a}.${b}.${c}.0/24`, engines });
  const address = `${a}.${b}.${c}.16`;
  const remove = async () => {
    await machines.clear();
    await rm(folder, { recursive: true });
  };
  try {
    await vacate(`${a}.${b}.${c}.0/24`);
    await machines.prepare();
    await machines.create({
      ...{ id: 1, hostname: "droplet", image: "debian-12-x64", memory, vcpus: 2, address, userData },
      privateAddress: `${a}.${b}.${c + 1}.16`,
      vpc: { id: "00000000-test", ipRange: `${a}.${b}.${c + 1}.0/24` },
      publicKeys: [await readFile(`${identity}.pub`, "utf8")],
    });
    const hostKey = await until("its host key is there", () => hostKeyOf(machines.nameOf(1)), 120);
    const sshOptions = optionsFor(address, hostKey, identity);
    const ssh = (command: string, input?: NodeJS.ReadableStream) =>
      remote([...sshOptions, `root@${address}`, command], input);
    await until("cloud-init has ended", () => ssh("cloud-init status --wait >/dev/null; echo ended"), 180);
    return { address, hostKey, sshOptions, ssh, remove };
  } catch (error) {
    await remove();
    throw error;
  }
};

/** Read past the network, as a cloud's console shows it. */
const hostKeyOf = async (container: string): Promise<string> => {
  const shown = await run("docker", ["exec", container, "cat", "/etc/ssh/ssh_host_ed25519_key.pub"]);
  return shown.stdout.split(" ").slice(0, 2).join(" ").trim();
};

const optionsFor = (address: string, hostKey: string, identity: string): string[] => [
  ...["-F", "none", "-i", identity, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"],
  ...["-o", "StrictHostKeyChecking=yes", "-o", "UserKnownHostsFile=none", "-o", "GlobalKnownHostsFile=none"],
  ...["-o", `KnownHostsCommand=/bin/echo ${address} ${hostKey}`, "-o", "ConnectTimeout=5"],
];

const remote = (argv: string[], input?: NodeJS.ReadableStream): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn("ssh", argv, { stdio: ["pipe", "pipe", "pipe"] });
    let [out, said] = ["", ""];
    child.stdout.on("data", (data) => {
      out += data;
    });
    child.stderr.on("data", (data) => {
      said += data;
    });
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve(out.trim());
      else reject(new Error(`ssh ended with ${code}: ${said.trim() || out.trim()}`));
    });
    child.stdin.on("error", () => {});
    if (input) input.pipe(child.stdin);
    else child.stdin.end();
  });
