import { randomBytes } from "node:crypto";
import { run } from "./fleet/command.ts";
import { until } from "./fleet/until.ts";
import type { PostgresServer, RunningPostgres } from "./postgres-server.ts";

const DATA = "/var/lib/postgresql/data";

const docker = async (...args: string[]) => (await run(["docker", ...args])).stdout.trim();

/** A standby that follows a server by streaming, asynchronously, until it is promoted. */
export class Standby implements AsyncDisposable {
  readonly server: PostgresServer;
  readonly #container: string;

  private constructor(container: string, server: PostgresServer) {
    this.#container = container;
    this.server = server;
  }

  /** A copy of a running server, made by pg_basebackup; it answers reads when this resolves. */
  static async of({ server, container: primary }: RunningPostgres): Promise<Standby> {
    const rule = "host replication all all scram-sha-256";
    await docker("exec", primary, "sh", "-c", `echo '${rule}' >> ${DATA}/pg_hba.conf`);
    await docker("exec", "--user", "postgres", primary, "pg_ctl", "reload", "--pgdata", DATA);
    const host = await docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", primary);
    const container = `owui-test-standby-${randomBytes(4).toString("hex")}`;
    const follow = [
      `pg_basebackup --host ${host} --username postgres --pgdata ${DATA} --write-recovery-conf --checkpoint fast`,
      `chmod 700 ${DATA}`,
      `exec postgres -D ${DATA}`,
    ].join(" && ");
    await docker(
      ...[
        "run",
        "--detach",
        "--rm",
        "--name",
        container,
        "--publish",
        "127.0.0.1::5432",
        "--user",
        "postgres",
      ],
      ...[
        "--env",
        `PGPASSWORD=${server.password}`,
        "--entrypoint",
        "bash",
        "postgres:15-bookworm",
        "-c",
        follow,
      ],
    );
    const port = Number((await docker("port", container, "5432/tcp")).split(":").at(-1));
    const standby = new Standby(container, { ...server, port });
    await until("the standby answers", () => standby.#inside("SELECT 1"));
    return standby;
  }

  /** Waits until it has what the server had at a place in its log. */
  async has(place: string): Promise<void> {
    const passed = `SELECT pg_last_wal_replay_lsn() >= '${place}'`;
    await until(`the standby has ${place}`, async () => (await this.#inside(passed)) === "t");
  }

  /** It follows nobody from now on, and takes writes; what it had received is replayed first. */
  async promote(): Promise<void> {
    await docker("exec", "--user", "postgres", this.#container, "pg_ctl", "promote", "--pgdata", DATA);
  }

  #inside(statement: string): Promise<string> {
    return docker("exec", "--user", "postgres", this.#container, "psql", "-Atc", statement);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await docker("rm", "--force", "--volumes", this.#container);
  }
}
