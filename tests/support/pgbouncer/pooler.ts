import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TcpDoor } from "../../sync-runtime/node/tcp-door.ts";
import { run } from "../fleet/command.ts";
import type { RunningPostgres } from "../postgres-server.ts";

const IMAGE = "owui-test-pgbouncer:bookworm";
const PORT = 6432;

/** What a client keeps of a server's connection: all of it until it leaves, or as much as a transaction. */
export type PoolMode = "session" | "transaction";

const docker = async (...args: string[]) => (await run(["docker", ...args])).stdout.trim();

/** A pgbouncer in front of a server, in a container of its own; reached through a door that finds it after a restart. */
export class Pooler implements AsyncDisposable {
  readonly #container: string;
  readonly #directory: string;
  readonly #door: TcpDoor;
  /** Where it answers, which a restart may change. */
  readonly #at: { host: string; port: number };

  private constructor(
    container: string,
    directory: string,
    door: TcpDoor,
    at: { host: string; port: number },
  ) {
    this.#container = container;
    this.#directory = directory;
    this.#door = door;
    this.#at = at;
  }

  /**
   * Builds the image where it is missing, and starts.
   * @param login who may connect through it; with `asks`, a superuser of whom it asks for everybody's password, over TLS
   */
  static async start(
    postgres: Pick<RunningPostgres, "container">,
    mode: PoolMode,
    { asks = false, ...login }: { user: string; password: string; asks?: boolean },
  ): Promise<Pooler> {
    await docker("build", "--tag", IMAGE, import.meta.dirname);
    const directory = mkdtempSync(join(tmpdir(), "pgbouncer-"));
    writeFileSync(join(directory, "userlist.txt"), `"${login.user}" "${login.password}"\n`, { mode: 0o644 });
    writeFileSync(
      join(directory, "pgbouncer.ini"),
      settings(await addressOf(postgres.container), mode, asks ? login.user : undefined),
    );
    await run(["chmod", "755", directory]);
    const container = `owui-test-pgbouncer-${randomBytes(4).toString("hex")}`;
    const mount = `${directory}:/etc/pgbouncer:ro`;
    await docker("run", "--detach", "--name", container, "--volume", mount, IMAGE);
    const at = { host: await addressOf(container), port: PORT };
    return new Pooler(container, directory, await TcpDoor.to(() => at), at);
  }

  get address() {
    return this.#door.address;
  }

  /** Ends every connection on both sides and comes back, as an update of the pooler does. */
  async restart(): Promise<void> {
    await docker("restart", "--time", "0", this.#container);
    this.#at.host = await addressOf(this.#container);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#door[Symbol.asyncDispose]();
    await docker("rm", "--force", this.#container);
    rmSync(this.#directory, { recursive: true });
  }
}

const addressOf = (container: string): Promise<string> =>
  docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", container);

/** As few connections of the server as make clients share them. */
const settings = (host: string, mode: PoolMode, asksAs: string | undefined): string => `[databases]
* = host=${host} port=5432
[pgbouncer]
listen_addr = 0.0.0.0
listen_port = ${PORT}
auth_type = scram-sha-256
auth_file = /etc/pgbouncer/userlist.txt
pool_mode = ${mode}
max_client_conn = 100
default_pool_size = ${mode === "session" ? 30 : 6}
${asksAs === undefined ? "" : asking(asksAs)}`;

const asking = (user: string): string => `auth_user = ${user}
auth_query = SELECT usename, passwd FROM pg_catalog.pg_shadow WHERE usename = $1
server_tls_sslmode = require
`;
