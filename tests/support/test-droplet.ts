import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { stringify } from "yaml";
import { quote, type Script, scriptText } from "../../components/host/shell.ts";
import { cloudInit } from "../../components/machine/cloud-init.ts";
import { digitalOcean } from "../../toolchain/fakes/digitalocean/digitalocean.ts";
import { docker } from "../../toolchain/fakes/digitalocean/docker/engine.ts";
import { DockerMachines } from "../../toolchain/fakes/digitalocean/docker/machines.ts";
import { dropletImage } from "../../toolchain/images/catalog.ts";
import { run as runProgram } from "../../toolchain/setup/child.mjs";
import { clientOf, token } from "../toolchain/fakes/client.ts";
import { ownName } from "../toolchain/providers/conformance/docker-command.ts";
import { until } from "./fleet/until.ts";
import { vacate } from "./vacate.ts";

/** Apart from the ranges of fakes that somebody, or another test, runs meanwhile. */
const plan = { public: "198.19.224.0/20", private: "198.19.240.0/20" };

/** Addresses that the outside has. Operators' are in the allowlist. */
export const addresses = {
  operator: "198.19.224.6",
  clumsyOperator: "198.19.224.7",
  control: "198.19.224.8",
  stranger: "198.19.224.5",
};
export const operatorAddresses = [
  ...[`${addresses.operator}/32`, `${addresses.clumsyOperator}/32`],
  // This machine, at the public network's other end.
  "198.19.224.1/32",
];

/** What a command said, and how it ended. */
export interface Ended {
  code: number;
  output: string;
}

/** A droplet of a fake cloud that ran this project's user-data, and a container outside it with several addresses. */
export class TestDroplet {
  readonly outside = ownName("outside");
  readonly machines: DockerMachines;
  private readonly folder: string;
  private readonly opened: ReturnType<typeof digitalOcean>;
  private api!: ReturnType<typeof clientOf>;
  id!: number;
  address!: string;
  /** Public half of the key by which it is known. */
  hostKey = "";
  userData = "";
  operatorKey = "";

  private constructor(folder: string) {
    this.folder = folder;
    this.machines = new DockerMachines({ folder, publicRange: plan.public });
    this.opened = digitalOcean({ token }, { driver: this.machines, plan });
  }

  static async create(): Promise<TestDroplet> {
    return new TestDroplet(await mkdtemp(join(tmpdir(), "owui-set-up-")));
  }

  /** Boots it, until its user-data has run. */
  async boot(): Promise<void> {
    await vacate(plan.public);
    await this.opened.cloud.resume();
    this.api = clientOf(await this.opened.fake.listen());
    await docker([
      ...["run", "--detach", "--name", this.outside, "--network", this.machines.publicNetwork],
      ...[
        "--ip",
        addresses.stranger,
        "--cap-add",
        "NET_ADMIN",
        "--entrypoint",
        "sleep",
        dropletImage,
        "infinity",
      ],
    ]);
    for (const address of [addresses.operator, addresses.clumsyOperator, addresses.control])
      await this.beyond(["ip", "address", "add", `${address}/20`, "dev", "eth0"]);
    for (const name of ["operator", "other", "host", "host2"])
      await this.beyond(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", `/root/${name}`]);
    this.operatorKey = await this.file("operator.pub");
    this.hostKey = await this.file("host.pub");
    this.userData = cloudInit({
      ...{ keys: [this.operatorKey], addresses: operatorAddresses },
      hostKey: { private: `${await this.file("host")}\n`, public: this.hostKey },
    });
    const key = await this.ask("/v2/account/keys", { name: "operator", public_key: this.operatorKey });
    const made = await this.ask("/v2/droplets", {
      ...{ name: "fra1-a", region: "fra1", size: "s-2vcpu-2gb", image: "debian-12-x64" },
      ...{ ssh_keys: [key.ssh_key.id], user_data: this.userData },
    });
    this.id = made.droplet.id;
    await this.opened.cloud.settle();
    const { body } = await this.api("GET", `/v2/droplets/${this.id}`);
    this.address = body.droplet.networks.v4[1].ip_address;
    await this.started();
  }

  /** A file of the outside's home. */
  file(name: string): Promise<string> {
    return this.beyond(["cat", `/root/${name}`]);
  }

  /** Until cloud-init has ended and the droplet has started as a whole. */
  async started(): Promise<void> {
    const command = "cloud-init status --wait >/dev/null; systemctl is-system-running --wait";
    await until("the droplet has started", () => this.within(command).catch((error) => error.message), 180);
  }

  /** Runs a command outside the droplet. */
  beyond(argv: string[], input = ""): Promise<string> {
    return docker(["exec", "--interactive", this.outside, ...argv], input);
  }

  /** Runs a command in the droplet as root, past all doors. */
  within(command: string, input = ""): Promise<string> {
    return docker(["exec", "--interactive", this.machines.nameOf(this.id), "sh", "-c", command], input);
  }

  /** Signs in over ssh and runs a command, by default as the operator from the operator's address. */
  async ssh(
    command: string,
    {
      user = "qbmgr",
      from = addresses.operator,
      key = "operator",
      input = "",
      more = [] as string[],
      seconds = 120,
    } = {},
  ): Promise<Ended> {
    const hostKey = this.hostKey.split(" ").slice(0, 2).join(" ");
    const argv = [
      ...["timeout", String(seconds), "ssh", "-F", "none", "-i", `/root/${key}`, "-b", from],
      ...["-o", "BatchMode=yes", "-o", "ConnectTimeout=4", "-o", "LogLevel=ERROR"],
      ...["-o", "StrictHostKeyChecking=yes", "-o", "UserKnownHostsFile=none"],
      ...["-o", `KnownHostsCommand=/bin/echo ${this.address} ${hostKey}`, ...more],
    ];
    const line = `${[...argv, `${user}@${this.address}`, command].map(quote).join(" ")} 2>&1; echo "code $?"`;
    const said = await this.beyond(["sh", "-c", line], input);
    const [, output = "", code] = /^([\s\S]*)code (\d+)$/.exec(said) ?? [];
    return { output: output.trim(), code: Number(code) };
  }

  /** Runs a script of hosts as root over ssh, from where the fleet keeps them. */
  async script({ script, variables }: Script, input = ""): Promise<Ended> {
    const file = `/usr/local/lib/fleet/${script}.sh`;
    await this.within(`cat >${file}`, scriptText(script).toString());
    const set = Object.entries(variables).map(([name, value]) => `${name}=${quote(String(value))}`);
    return this.ssh(`sudo -n sh -c ${quote([...set, "sh", file].join(" "))}`, { input });
  }

  /** `npm run host` on a stack whose only host is this droplet, as a server that no `up` has met. */
  async hostCommand(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const identity = join(this.folder, "operator");
    await writeFile(identity, `${await this.file("operator")}\n`, { mode: 0o600 });
    const made = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=db -keyout /dev/null";
    const config = {
      operators: { keys: [this.operatorKey], addresses: operatorAddresses, identity },
      hosts: { old: { kind: "ssh", address: this.address, hostKey: this.hostKey } },
      sync: {
        ...{ host: "old", nodes: { a: { port: 9443 }, b: { port: 9444 } } },
        database: {
          ...{ kind: "external", host: "db.example", database: "postgres", user: "postgres" },
          ...{ password: { secure: "v1:never-read" }, ca: await this.beyond(made.split(" ")) },
        },
      },
      tenants: {},
    };
    const file = join(this.folder, "stack.yaml");
    await writeFile(file, stringify({ config }));
    const argv = ["node", "fleet/main.ts", "host", ...args, "--config-file", file];
    const env = { ...process.env, OWUI_HOME: join(this.folder, "home") };
    return runProgram([...argv, "--stack", "unmet"], { env });
  }

  /** Whether a TCP port answers somebody outside. */
  reaches(from: string, port: number): Promise<boolean> {
    const connect = `import socket; socket.create_connection(('${this.address}', ${port}), 1.5, source_address=('${from}', 0))`;
    return this.beyond(["python3", "-c", connect]).then(
      () => true,
      () => false,
    );
  }

  /** Until fail2ban keeps an address out. */
  async untilBanned(address: string): Promise<void> {
    const banned = async () => {
      const said = await this.within("fail2ban-client status sshd");
      return said.includes(address);
    };
    await until(`${address} is banned`, banned, 30);
  }

  /** Until a container has said something, counted from a time on. */
  async untilLogged(container: string, text: string, since = "2000-01-01"): Promise<void> {
    const logged = async () => {
      const said = await this.within(`docker logs --since ${since} ${quote(container)}`);
      return said.includes(text);
    };
    await until(`${container} says "${text}"`, logged, 60);
  }

  /** Gives an image of this machine's engine to the droplet's. */
  async loadImage(image: string): Promise<void> {
    const name = this.machines.nameOf(this.id);
    const line = `docker save ${quote(image)} | docker exec --interactive ${quote(name)} docker load --quiet`;
    await promisify(execFile)("sh", ["-c", line]);
  }

  /** Until something listens on each of these ports of the droplet. */
  async untilListening(ports: number[]): Promise<void> {
    const listening = async () => {
      const listed = (await this.within("ss -Hltn")).split("\n").map((line) => line.split(/\s+/)[3] ?? "");
      return ports.every((port) => listed.some((local) => local.endsWith(`:${port}`)));
    };
    await until("programs listen", listening, 30);
  }

  /** Something done to the droplet through the cloud's API, until it is done. */
  async act(action: object): Promise<void> {
    const asked = await this.ask(`/v2/droplets/${this.id}/actions`, action);
    await this.settled(asked.action.id);
  }

  /** A volume, attached; `filesystem` "" leaves it raw. */
  async attachVolume(name: string, filesystem: "" | "ext4"): Promise<void> {
    const made = await this.ask("/v2/volumes", {
      ...{ name, size_gigabytes: 1, region: "fra1" },
      ...(filesystem === "" ? {} : { filesystem_type: filesystem }),
    });
    const asked = await this.ask(`/v2/volumes/${made.volume.id}/actions`, {
      ...{ type: "attach", droplet_id: this.id, region: "fra1" },
    });
    await this.settled(asked.action.id);
  }

  async growVolume(name: string, gigabytes: number): Promise<void> {
    const listed = await this.api("GET", `/v2/volumes?name=${name}`);
    const asked = await this.ask(`/v2/volumes/${listed.body.volumes[0].id}/actions`, {
      ...{ type: "resize", size_gigabytes: gigabytes, region: "fra1" },
    });
    await this.settled(asked.action.id);
  }

  private async ask(path: string, body: object) {
    const answer = await this.api("POST", path, body);
    if (answer.status >= 300)
      throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  private async settled(action: number): Promise<void> {
    await this.opened.cloud.settle();
    const { body } = await this.api("GET", `/v2/actions/${action}`);
    if (body.action.status !== "completed") throw new Error(`action ${action} is ${body.action.status}`);
  }

  async remove(): Promise<void> {
    await this.opened.cloud.settle();
    await docker(["rm", "--force", this.outside]);
    await this.machines.clear();
    await this.opened.fake.close();
    await rm(this.folder, { recursive: true });
  }
}
