import { createHash } from "node:crypto";
import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { freePort } from "../../../toolchain/setup/free-port.ts";
import type { Container, Engine } from "./engine.ts";
import { type Session, TenantClient } from "./tenant-client.ts";
import { until } from "./until.ts";

/** Who made the first account of it. */
export const ana = { name: "Ana", email: "ana@newcomer.example", password: "Ana's own password 1" };
/** Whom she gave one. */
export const ben = {
  name: "Ben",
  email: "ben@newcomer.example",
  password: "Ben's own password 1",
  role: "user",
};

/** An Open WebUI that no fleet made: a container with a named volume, started as upstream's README has it. */
export class OwnWebui implements AsyncDisposable {
  readonly #engine: Engine;
  readonly name: string;
  readonly #volume: string;
  client = new TenantClient({ address: "127.0.0.1", port: 0, domain: "127.0.0.1" });

  /** @param name of its container */
  constructor(engine: Engine, name: string, volume = name) {
    this.#engine = engine;
    this.name = name;
    this.#volume = volume;
  }

  /** In place of what a killed run left. */
  async start(image: string, options: readonly string[] = []): Promise<void> {
    await this[Symbol.asyncDispose]();
    const port = await freePort();
    // As one that has a model server for embeddings: a model of its own would be downloaded.
    const variables = ["OFFLINE_MODE=true", "RAG_EMBEDDING_ENGINE=openai", "RAG_TOP_K=7"];
    await this.#engine.docker([
      ...["run", "--detach", "--name", this.name, "--restart", "always"],
      ...["--publish", `127.0.0.1:${port}:8080`, "--volume", `${this.#volume}:/app/backend/data`],
      ...variables.flatMap((variable) => ["--env", variable]),
      ...[...options, image],
    ]);
    await this.meet(port);
  }

  /** Waits until it answers there. */
  async meet(port: number): Promise<void> {
    this.client = new TenantClient({ address: "127.0.0.1", port, domain: "127.0.0.1" });
    await until("the Open WebUI that no fleet made to answer", async () => {
      return (await this.client.get("/health")).status === 200;
    });
  }

  /** Has two people write something; answers their sessions. */
  async live(): Promise<{ ana: Session; ben: Session; chat: string; file: string }> {
    await this.client.get("/api/v1/auths/signup", { body: ana });
    const first = await this.client.signIn(ana.email, ana.password);
    await first.addUser(ben);
    const second = await this.client.signIn(ben.email, ben.password);
    await first.createChat("What Ana asked");
    const chat = await second.createChat("What Ben asked");
    const { body } = await second.uploadFile("letter.txt", Buffer.from("what Ben uploaded"));
    return { ana: first, ben: second, chat, file: JSON.parse(body.toString()).id };
  }

  /** Beside what is told of every container, whether Docker starts it again by itself. */
  async state(): Promise<Container & { restart: string }> {
    const [seen] = JSON.parse(await this.#engine.inspect("container", [this.name]));
    return { ...(await this.#engine.container(this.name)), restart: seen.HostConfig.RestartPolicy.Name };
  }

  /** Where its data is on this machine. */
  async data(): Promise<string> {
    const { stdout } = await this.#engine.docker([
      "volume",
      "inspect",
      "--format",
      "{{.Mountpoint}}",
      this.#volume,
    ]);
    return stdout.trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine.docker(["rm", "--force", "--volumes", this.name], { mayFail: true });
    await this.#engine.docker(["volume", "rm", "--force", this.#volume], { mayFail: true });
  }
}

/** Tables in which an application that starts, or somebody who looks, writes nothing. */
const QUIET = ["auth", "chat", "file", "folder", "memory", "tag"];

/** A hash for each table that holds what people made, over all rows and columns; of a copy, so that nothing is made beside the file. */
export async function rowHashes(data: string): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), "rows-"));
  try {
    for (const name of await readdir(data))
      if (/^webui\.db(-wal)?$/.test(name)) await cp(join(data, name), join(folder, name));
    using database = new DatabaseSync(join(folder, "webui.db"));
    return Object.fromEntries(
      QUIET.map((table) => {
        const rows = database.prepare(`SELECT * FROM "${table}" ORDER BY id`).all();
        return [table, `${rows.length} ${createHash("sha256").update(JSON.stringify(rows)).digest("hex")}`];
      }),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}
