import { randomBytes } from "node:crypto";
import { defaultVersion } from "../../components/fleet-config/tenant-entry.ts";
import { until } from "../../tests/support/fleet/until.ts";
import { docker } from "../../toolchain/fakes/digitalocean/docker/engine.ts";
import { ensureImages } from "../../toolchain/setup/images.ts";

const image = `ghcr.io/open-webui/open-webui:${defaultVersion}`;

/** Open WebUI itself, as tenants run it, without data. */
export class RealTenants implements AsyncDisposable {
  readonly ports: number[] = [];
  readonly #names: string[] = [];

  /** Starts as many, and waits until each is healthy. */
  static async start(count: number, progress: (text: string) => void): Promise<RealTenants> {
    const tenants = new RealTenants();
    if (count === 0) return tenants;
    await ensureImages([image], progress);
    progress(`starting ${count} tenants of Open WebUI ${defaultVersion}`);
    try {
      for (let index = 0; index < count; index++) await tenants.#start();
      for (const port of tenants.ports)
        await until(
          "Open WebUI answers",
          async () => (await fetch(`http://127.0.0.1:${port}/health`)).ok,
          180,
        );
    } catch (error) {
      await tenants[Symbol.asyncDispose]();
      throw error;
    }
    return tenants;
  }

  async #start(): Promise<void> {
    const name = `owui-bench-tenant-${randomBytes(4).toString("hex")}`;
    this.#names.push(name);
    const settings = ["OFFLINE_MODE=true", "RAG_EMBEDDING_ENGINE=openai", "ENABLE_OLLAMA_API=False"];
    await docker([
      ...["run", "--detach", "--name", name, "--publish", "127.0.0.1::8080", "--memory", "1400m"],
      ...[...settings.flatMap((setting) => ["--env", setting]), image],
    ]);
    this.ports.push(Number((await docker(["port", name, "8080/tcp"])).split(":").at(-1)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#names.length > 0) await docker(["rm", "--force", "--volumes", ...this.#names]);
  }
}
