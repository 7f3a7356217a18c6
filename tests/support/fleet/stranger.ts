import type { Engine } from "./engine.ts";

/**
 * Of a range that is set apart for documentation (RFC 5737). The engine's own choice goes through 172.17.0.0 to 172.31.0.0 and
 * 192.168.0.0/16 by turns, and comes upon addresses that are tried from here.
 */
const SUBNET = "198.51.100.0/28";

/**
 * A container that belongs to no tenant, on a network of its own: what it reaches is open, so that a
 * tenant's refusal at the same address is the egress rules' doing.
 */
export class Stranger {
  readonly name: string;
  /** The network's bridge; Linux allows 15 characters. */
  readonly bridge = "owe2estranger";
  readonly #engine: Engine;

  constructor(engine: Engine, name: string) {
    this.#engine = engine;
    this.name = name;
  }

  async create(): Promise<void> {
    const label = this.#engine.label;
    const bridge = `com.docker.network.bridge.name=${this.bridge}`;
    await this.#engine.docker([
      ...["network", "create", "--label", label, "--opt", bridge, "--subnet", SUBNET, this.name],
    ]);
    await this.#engine.docker([
      ...["run", "--detach", "--init", "--name", this.name, "--label", label, "--network", this.name],
      ...["node:24-bookworm-slim", "sleep", "infinity"],
    ]);
  }

  async remove(): Promise<void> {
    await this.#engine.docker(["rm", "-f", this.name]);
    await this.#engine.docker(["network", "rm", this.name]);
  }
}
