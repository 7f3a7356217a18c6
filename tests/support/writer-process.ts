import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { on } from "node:events";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { type RequestOptions, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { buffer } from "node:stream/consumers";
import { WriterClient } from "../../sync-runtime/node/writer-client.ts";
import type { WriteAnswer, WriteRequest } from "../../sync-runtime/protocol/write.ts";
import type { AgentProcess } from "./agent-process.ts";
import { type Credentials, TestAuthority } from "./certificates.ts";
import { stopChild } from "./child-process.ts";
import { imageEnvironment } from "./image-environment.ts";

const SOURCE = new URL("../../sync-runtime/writer/main.ts", import.meta.url).pathname;

/** A real writer of host `local` in cluster `main`, on a port of its own, and the client of a node to ask it with. */
export class WriterProcess implements AsyncDisposable {
  /** Holds `tenants/`, `state/` and the writer's files. */
  readonly root: string;
  readonly authority: TestAuthority;
  readonly node: Credentials;
  /** Data identity of each tenant. */
  readonly identities = new Map<string, string>();
  /** Every line the writer logged. */
  readonly log: Record<string, unknown>[] = [];
  readonly #tenants: readonly string[];
  readonly #client: WriterClient;
  #child: ChildProcess | undefined;
  #port = 0;

  private constructor(tenants: readonly string[], root: string, authority: TestAuthority, node: Credentials) {
    this.#tenants = tenants;
    this.root = root;
    this.authority = authority;
    this.node = node;
    const [cert, key, ca] = [node.certificate, node.key, authority.certificate].map((pem) =>
      Buffer.from(pem),
    );
    const current = { cert, key, ca } as { cert: Buffer; key: Buffer; ca: Buffer };
    this.#client = new WriterClient({ current, onChange: () => {}, see: () => {} });
  }

  /**
   * Starts a writer from its source.
   * @param tenants that it may write; their directories are made
   * @param environment for its first run
   * @param agent over whose tenants' directories it is, believing the same authority; else it has some of its own
   */
  static async start(
    tenants: readonly string[],
    environment: Record<string, string> = {},
    agent?: Pick<AgentProcess, "authority" | "path">,
  ): Promise<WriterProcess> {
    const authority = agent?.authority ?? (await TestAuthority.create());
    const root = realpathSync(mkdtempSync(join(tmpdir(), "writer-")));
    const writer = new WriterProcess(tenants, root, authority, await authority.node("main", "a"));
    for (const directory of ["tenants", "state", "tls"]) mkdirSync(join(root, directory));
    const { certificate, key } = await authority.writer("local");
    writeFileSync(writer.path("tls", "ca.crt"), authority.certificate);
    writeFileSync(writer.path("tls", "tls.crt"), certificate);
    writeFileSync(writer.path("tls", "tls.key"), key, { mode: 0o600 });
    writer.configure(agent ? { directory: agent.path("tenants") } : {});
    if (!agent) for (const tenant of tenants) writer.tenant(tenant);
    await writer.run(environment);
    return writer;
  }

  /** Where it listens; another after every start. */
  get port(): number {
    return this.#port;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  path(...parts: string[]): string {
    return join(this.root, ...parts);
  }

  /** Writes its config file. */
  configure(changes: Record<string, unknown> = {}): void {
    const config = {
      host: "local",
      cluster: "main",
      nodes: ["a"],
      callers: "neighbours",
      listen: { address: "127.0.0.1", port: 0 },
      tls: {
        certificate: this.path("tls", "tls.crt"),
        key: this.path("tls", "tls.key"),
        ca: this.path("tls", "ca.crt"),
      },
      tenants: this.#tenants,
      directory: this.path("tenants"),
      state: this.path("state"),
      ...changes,
    };
    writeFileSync(this.path("writer.json"), JSON.stringify(config));
  }

  /** The data directory of a tenant, made anew with an identity. */
  tenant(id: string): string {
    const directory = this.path("tenants", id, "data");
    mkdirSync(directory, { recursive: true });
    const identity = { fleet: "test", tenant: id, id: randomUUID(), created: "2025-11-21T12:00:00Z" };
    writeFileSync(join(directory, ".owui-identity.json"), JSON.stringify(identity));
    this.identities.set(id, identity.id);
    return directory;
  }

  /** Where a tenant's database is. */
  database(id: string): string {
    return this.path("tenants", id, "data", "webui.db");
  }

  /** Runs the writer, again after a kill. */
  async run(environment: Record<string, string> = {}): Promise<void> {
    const child = spawn(process.execPath, [SOURCE, this.path("writer.json")], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...imageEnvironment, ...environment },
    });
    this.#child = child;
    let errors = "";
    child.stderr.on("data", (data) => {
      errors += data;
    });
    const lines = createInterface({ input: child.stdout });
    lines.on("line", (line) => this.log.push(JSON.parse(line)));
    const ended = new AbortController();
    child.once("exit", () => ended.abort());
    try {
      for await (const [line] of on(lines, "line", { signal: ended.signal })) {
        const { msg, port } = JSON.parse(line);
        if (msg !== "server listened") continue;
        this.#port = port;
        return;
      }
    } catch (cause) {
      throw new Error(`The writer ended before it listened: ${errors}`, { cause });
    }
  }

  /** Sends a signal and waits for the end; gives the exit code. */
  stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    return stopChild(this.#child, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    await this.stop("SIGKILL");
    rmSync(this.root, { recursive: true, force: true });
  }

  /** Has rows written as a node does. */
  write(
    tenant: string,
    body: WriteRequest,
    signal = new AbortController().signal,
    identity = "urn:owui:writer:local",
  ): Promise<WriteAnswer> {
    const writer = { host: "local", address: `127.0.0.1:${this.#port}`, identity };
    return this.#client.write(writer, tenant, body, signal);
  }

  /** One request as it comes over the wire; resolves when it was answered. */
  async request(options: RequestOptions, body?: string): Promise<{ status: number; body: string }> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = request({
        host: "127.0.0.1",
        port: this.#port,
        servername: "localhost",
        ca: this.authority.certificate,
        cert: this.node.certificate,
        key: this.node.key,
        agent: false,
        ...options,
      });
      asked.once("response", resolve).once("error", reject).end(body);
    });
    return { status: response.statusCode ?? 0, body: (await buffer(response)).toString() };
  }
}
