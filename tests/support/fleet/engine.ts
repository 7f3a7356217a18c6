import { type CommandOptions, type Outcome, run } from "./command.ts";

/** What the tests ask of one container; the rest of `docker inspect` stays in {@link Engine.inspect}. */
export interface Container {
  name: string;
  id: string;
  running: boolean;
  /** Moves with every start, so that equality proves that nothing restarted. */
  startedAt: string;
  /** Process id on the host; 0 when it does not run. */
  pid: number;
  /** Addresses by network name: its own, and the host's at the other end. */
  addresses: Record<string, string>;
  gateways: Record<string, string>;
}

interface Inspected {
  Id: string;
  Name: string;
  State: { Running: boolean; StartedAt: string; Pid: number };
  NetworkSettings: { Networks: Record<string, { IPAddress: string; Gateway: string }> };
}

const byNetwork = (
  { NetworkSettings: { Networks } }: Inspected,
  pick: (network: (typeof Networks)[string]) => string,
): Record<string, string> =>
  Object.fromEntries(Object.entries(Networks).map(([name, network]) => [name, pick(network)]));

const toContainer = (seen: Inspected): Container => ({
  name: seen.Name.slice(1),
  id: seen.Id,
  running: seen.State.Running,
  startedAt: seen.State.StartedAt,
  pid: seen.State.Pid,
  addresses: byNetwork(seen, ({ IPAddress }) => IPAddress),
  gateways: byNetwork(seen, ({ Gateway }) => Gateway),
});

/** The Docker engine as one stack's tests use it: everything is found by the stack's label. */
export class Engine {
  /** What every container and network of the stack bears. */
  readonly label: string;

  constructor(stack: string) {
    this.label = `owui.stack=${stack}`;
  }

  docker(args: readonly string[], options?: CommandOptions): Promise<Outcome> {
    return run(["docker", ...args], options);
  }

  /** Names of the stack's containers, stopped ones included, sorted. */
  containers(): Promise<string[]> {
    return this.#list(["ps", "-a"], "{{.Names}}");
  }

  /** Names of the stack's networks, sorted. */
  networks(): Promise<string[]> {
    return this.#list(["network", "ls"], "{{.Name}}");
  }

  /** Images of one name, whatever their tag. */
  async images(name: string): Promise<string[]> {
    const { stdout } = await this.docker(["images", "--format", "{{.Repository}}:{{.Tag}}", name]);
    return stdout.split("\n").filter(Boolean);
  }

  /** The whole `docker inspect` of things of one kind, as text: a tenant's network is named as its container. */
  async inspect(kind: "container" | "network" | "image", names: readonly string[]): Promise<string> {
    return (await this.docker([kind, "inspect", ...names])).stdout;
  }

  async container(name: string): Promise<Container> {
    const [seen] = JSON.parse(await this.inspect("container", [name])) as Inspected[];
    if (!seen) throw new Error(`docker inspect ${name} answered with an empty list`);
    return toContainer(seen);
  }

  /** Runs a command as root inside a container. */
  exec(container: string, argv: readonly string[], options?: CommandOptions): Promise<Outcome> {
    return this.docker(["exec", "-u", "0", container, ...argv], options);
  }

  /** What a container's program was told: its environment as the kernel has it. */
  async environmentOf(container: string): Promise<Record<string, string>> {
    const { stdout } = await this.exec(container, ["cat", "/proc/1/environ"]);
    return Object.fromEntries(stdout.split("\0").map((line) => line.split(/=(.*)/s).slice(0, 2)));
  }

  /** Whether a program inside a container can open a connection; a refusal and silence both count as no. */
  async connects(container: string, address: string, port: number): Promise<boolean> {
    const attempt = ["timeout", "5", "bash", "-c", 'exec 3<>"/dev/tcp/$0/$1"', address, String(port)];
    return (await this.exec(container, attempt, { mayFail: true })).code === 0;
  }

  /** The host's interface of a network. */
  async bridge(network: string): Promise<string> {
    const [seen] = JSON.parse(await this.inspect("network", [network])) as {
      Options: Record<string, string>;
    }[];
    return seen?.Options["com.docker.network.bridge.name"] ?? "";
  }

  /** Both output streams of a container since it was created. */
  async logs(container: string): Promise<string> {
    const { stdout, stderr } = await this.docker(["logs", container]);
    return stdout + stderr;
  }

  /** Removes every container and network with the stack's label: what a killed run left behind. */
  async removeEverything(): Promise<void> {
    const containers = await this.containers();
    if (containers.length > 0) await this.docker(["rm", "-f", "-v", ...containers]);
    const networks = await this.networks();
    if (networks.length > 0) await this.docker(["network", "rm", ...networks]);
  }

  async #list(command: readonly string[], format: string): Promise<string[]> {
    const filter = ["--filter", `label=${this.label}`, "--format", format];
    const { stdout } = await this.docker([...command, ...filter]);
    return stdout.split("\n").filter(Boolean).sort();
  }
}
