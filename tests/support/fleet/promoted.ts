import { randomBytes } from "node:crypto";
import pg from "pg";
import type { Engine } from "./engine.ts";
import { TenantClient } from "./tenant-client.ts";
import { until } from "./until.ts";

const DATABASE_PORT = 28433;
const APPLICATION_PORT = 28481;

/** A Postgres of nobody's fleet, and the Open WebUI that is started on it. */
export class Promoted implements AsyncDisposable {
  readonly password = randomBytes(12).toString("hex");
  readonly url = `postgres://postgres@127.0.0.1:${DATABASE_PORT}/promoted`;
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Starts the server, with one empty database. */
  async startDatabase(): Promise<void> {
    await this.#start("database", [
      ...["--publish", `127.0.0.1:${DATABASE_PORT}:5432`, "--tmpfs", "/var/lib/postgresql/data"],
      ...["--env", `POSTGRES_PASSWORD=${this.password}`, "--env", "POSTGRES_DB=promoted"],
      ...["postgres:15-bookworm", "-c", "fsync=off"],
    ]);
    await until("the target's Postgres to answer", () => this.query("SELECT 1"));
  }

  /** Starts real Open WebUI on the database, with the settings it needs to run without local models. */
  async startApplication(image: string): Promise<TenantClient> {
    const url = `postgresql://postgres:${this.password}@127.0.0.1:${DATABASE_PORT}/promoted`;
    const variables = { HOST: "127.0.0.1", PORT: String(APPLICATION_PORT), DATABASE_URL: url };
    const settings = { ENABLE_OLLAMA_API: "False", OFFLINE_MODE: "true", RAG_EMBEDDING_ENGINE: "openai" };
    const env = Object.entries({ ...variables, ...settings, WEBUI_SECRET_KEY: "of the new place" });
    const flags = env.flatMap(([name, value]) => ["--env", `${name}=${value}`]);
    await this.#start("application", ["--network", "host", ...flags, image]);
    const client = new TenantClient({ address: "127.0.0.1", port: APPLICATION_PORT, domain: "127.0.0.1" });
    await until(
      "Open WebUI to answer on the promoted database",
      async () => (await client.get("/health")).status === 200,
      120,
    );
    return client;
  }

  /** Rows of a question to the promoted database. */
  async query(text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({
      ...{ host: "127.0.0.1", port: DATABASE_PORT, database: "promoted" },
      ...{ user: "postgres", password: this.password },
    });
    client.on("error", () => {});
    await client.connect();
    try {
      return (await client.query(text, values)).rows;
    } finally {
      await client.end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const names = ["database", "application"].map(nameOf);
    await this.#engine.docker(["rm", "--force", "--volumes", ...names]);
  }

  /** Labelled as the stack's, so that what a killed run left is cleared away with it. */
  async #start(part: string, args: string[]): Promise<void> {
    await this.#engine.docker([
      ...["run", "--detach", "--name", nameOf(part), "--label", this.#engine.label],
      ...args,
    ]);
  }
}

const nameOf = (part: string): string => `owui-e2e-promoted-${part}`;
