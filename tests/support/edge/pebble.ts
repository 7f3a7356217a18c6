import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fakeAuthorityImage as image } from "../../../toolchain/images/catalog.ts";
import { freePort } from "../../../toolchain/setup/free-port.ts";
import { ensureImages } from "../../../toolchain/setup/images.ts";
import { TestAuthority } from "../certificates.ts";
import { run } from "../fleet/command.ts";
import { until } from "../fleet/until.ts";

const docker = (...argv: string[]) => run(["docker", ...argv]);

/** An authority that speaks ACME, for which every name leads to this machine's loopback. */
export class Pebble implements AsyncDisposable {
  /** URL of its directory. */
  readonly directory: string;
  /** By which the directory is believed, PEM. */
  readonly root: string;
  readonly #containers: string[];
  readonly #folder: string;
  readonly #management: number;

  private constructor(
    directory: string,
    root: string,
    containers: string[],
    folder: string,
    management: number,
  ) {
    this.directory = directory;
    this.root = root;
    this.#containers = containers;
    this.#folder = folder;
    this.#management = management;
  }

  /**
   * Builds the image where it is missing, and starts.
   * @param httpPort where it looks for answers under the names it is asked for
   * @param days for how long it certifies
   */
  static async start(httpPort: number, days: number): Promise<Pebble> {
    await ensureImages([image], () => {});
    const [port, management, names] = [await freePort(), await freePort(), await freePort()];
    const authority = await TestAuthority.create();
    const { certificate, key } = await authority.site("localhost");
    const folder = mkdtempSync(join(tmpdir(), "pebble-"));
    await run(["chmod", "755", folder]);
    writeFileSync(join(folder, "tls.crt"), certificate);
    writeFileSync(join(folder, "tls.key"), key);
    const config = {
      ...{ listenAddress: `127.0.0.1:${port}`, managementListenAddress: `127.0.0.1:${management}` },
      ...{ certificate: "/etc/pebble/tls.crt", privateKey: "/etc/pebble/tls.key" },
      ...{ httpPort, tlsPort: 1, certificateValidityPeriod: days * 86_400 },
    };
    writeFileSync(join(folder, "pebble.json"), JSON.stringify({ pebble: config }));
    const id = randomBytes(4).toString("hex");
    const containers = [`owui-test-names-${id}`, `owui-test-pebble-${id}`];
    const [resolver = "", server = ""] = containers;
    const none = [
      "-http01",
      "",
      "-https01",
      "",
      "-tlsalpn01",
      "",
      "-management",
      `127.0.0.1:${await freePort()}`,
    ];
    const answers = [
      "-dns01",
      `127.0.0.1:${names}`,
      "-defaultIPv4",
      "127.0.0.1",
      "-defaultIPv6",
      "",
      ...none,
    ];
    const detached = ["run", "--detach", "--network", "host", "--name"];
    await docker(...detached, resolver, image, "pebble-challtestsrv", ...answers);
    await docker(
      ...[...detached, server, "--env", "PEBBLE_VA_NOSLEEP=1", "--volume", `${folder}:/etc/pebble:ro`, image],
      ...["pebble", "-config", "/etc/pebble/pebble.json", "-dnsserver", `127.0.0.1:${names}`],
    );
    const directory = `https://localhost:${port}/dir`;
    const pebble = new Pebble(directory, authority.certificate, containers, folder, management);
    await until("pebble answers", () => pebble.issuer());
    return pebble;
  }

  /** The authority's own certificate, PEM. */
  async issuer(): Promise<string> {
    const { stdout } = await run(["curl", "-fsSk", `https://localhost:${this.#management}/roots/0`]);
    return stdout;
  }

  /** Begins anew: without accounts, and with another key of its own. */
  async forget(): Promise<void> {
    const [, server = ""] = this.#containers;
    await docker("restart", "--time", "1", server);
    await until("pebble answers", () => this.issuer());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run(["docker", "rm", "--force", ...this.#containers], { mayFail: true });
    rmSync(this.#folder, { recursive: true });
  }
}
