import { spawn } from "node:child_process";
import { run } from "./command.ts";
import { until } from "./until.ts";

/** Routing table of the addresses a namespace answers at; no other use of the number is known. */
const TABLE = "19818";

/**
 * A network of the tests' own behind the host's routing: a namespace with one address.
 *
 * Packets from a container to it are forwarded by the host, as packets to the internet are, so a tenant's
 * egress rules are in their way. 198.18.0.0/15 is reserved for test networks (RFC 2544).
 */
export class Netspace {
  readonly name: string;
  /** The namespace's own address. */
  readonly address: string;
  readonly #gateway: string;

  /** @param name at most 13 characters: its links are `<name>h` and `<name>n`, and Linux allows 15 */
  constructor(name: string, address: string, gateway: string) {
    this.name = name;
    this.address = address;
    this.#gateway = gateway;
  }

  /** Makes the namespace, in place of one that a killed run left. */
  async create(): Promise<void> {
    await this.remove();
    const [near, far] = [`${this.name}h`, `${this.name}n`];
    await run(["ip", "netns", "add", this.name]);
    await run(["ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", this.name]);
    await run(["ip", "addr", "add", `${this.#gateway}/30`, "dev", near]);
    await run(["ip", "link", "set", near, "up"]);
    await this.ip(["addr", "add", `${this.address}/30`, "dev", far]);
    await this.ip(["link", "set", "lo", "up"]);
    await this.ip(["link", "set", far, "up"]);
    await this.ip(["route", "add", "default", "via", this.#gateway]);
  }

  /** Runs `ip` inside the namespace. */
  async ip(args: readonly string[]): Promise<void> {
    await run(["ip", "-n", this.name, ...args]);
  }

  /**
   * Makes the namespace answer at `address` for packets that come in over one bridge.
   *
   * Only those: the host's own way to the address, which may be a real one, stays as it is.
   */
  async answerAt(address: string, bridge: string): Promise<void> {
    await run(["ip", "route", "replace", "default", "via", this.address, "table", TABLE]);
    await this.ip(["addr", "replace", `${address}/32`, "dev", "lo"]);
    await run(["ip", "rule", "add", "iif", bridge, "to", `${address}/32`, "lookup", TABLE]);
  }

  /** Starts a TypeScript program inside and waits for its first line of output. */
  async start(program: string, args: readonly string[]): Promise<void> {
    const child = spawn("ip", ["netns", "exec", this.name, process.execPath, program, ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    await until(`${program} inside ${this.name} to say that it listens`, () => said.includes("\n"));
    console.log(said.trim());
  }

  /** Ends the programs and removes the namespace, its link and its routes; safe to repeat. */
  async remove(): Promise<void> {
    const { stdout } = await run(["ip", "netns", "pids", this.name], { mayFail: true });
    for (const pid of stdout.split("\n").filter(Boolean)) process.kill(Number(pid), "SIGKILL");
    while ((await run(["ip", "rule", "del", "lookup", TABLE], { mayFail: true })).code === 0);
    await run(["ip", "link", "del", `${this.name}h`], { mayFail: true });
    await run(["ip", "netns", "del", this.name], { mayFail: true });
  }
}
