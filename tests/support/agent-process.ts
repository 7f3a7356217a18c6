import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { on } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { type RequestOptions, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream";
import { buffer } from "node:stream/consumers";
import { createZstdDecompress } from "node:zlib";
import { type Message, readMessages } from "../../sync-runtime/protocol/message.ts";
import { type Credentials, TestAuthority } from "./certificates.ts";
import { stopChild } from "./child-process.ts";
import { imageEnvironment } from "./image-environment.ts";
import { keepLog } from "./process-logs.ts";
import { programOf } from "./programs.ts";

/** A real agent, on a port of its own, over directories of its own, and a node's credentials to ask it with. */
export class AgentProcess implements AsyncDisposable {
  /** Holds `tenants/`, `state/` and the agent's files. */
  readonly root: string;
  readonly authority: TestAuthority;
  readonly node: Credentials;
  /** Every line the agent logged. */
  readonly log: Record<string, unknown>[] = [];
  readonly #program: string;
  readonly #environment: Record<string, string>;
  #child: ChildProcess | undefined;
  #port = 0;

  private constructor(
    program: string,
    environment: Record<string, string>,
    root: string,
    authority: TestAuthority,
    node: Credentials,
  ) {
    this.#program = program;
    this.#environment = environment;
    this.root = root;
    this.authority = authority;
    this.node = node;
  }

  /**
   * Starts an agent of host `local` in cluster `main`, as the image has it unless another program is given.
   * @param environment added to this process' own
   * @param other whose tenants it serves as well, by mistake
   */
  static async start(
    program = programOf("agent"),
    environment: Record<string, string> = {},
    other?: AgentProcess,
  ): Promise<AgentProcess> {
    const authority = other?.authority ?? (await TestAuthority.create());
    const root = realpathSync(mkdtempSync(join(tmpdir(), "agent-")));
    const node = await authority.node("main", "a");
    const agent = new AgentProcess(program, environment, root, authority, node);
    for (const directory of ["tenants", "state", "tls"]) mkdirSync(join(root, directory));
    agent.believe(authority);
    agent.install(await authority.agent("local"));
    const config = {
      host: "local",
      cluster: "main",
      callers: ["127.0.0.0/8"],
      listen: { address: "127.0.0.1", port: 0 },
      tls: {
        certificate: agent.path("tls", "tls.crt"),
        key: agent.path("tls", "tls.key"),
        ca: agent.path("tls", "ca.crt"),
      },
      tenants: (other ?? agent).path("tenants"),
      state: agent.path("state"),
    };
    writeFileSync(agent.path("agent.json"), JSON.stringify(config));
    keepLog("the agent", agent.log);
    await agent.run();
    return agent;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Where it listens; another after every start. */
  get port(): number {
    return this.#port;
  }

  /** How many readers it has running. */
  get readers(): number {
    return this.readerPids.length;
  }

  /** Process ids of the readers that run. */
  get readerPids(): number[] {
    const children = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, "utf8");
    return children.split(" ").filter(Boolean).map(Number);
  }

  path(...parts: string[]): string {
    return join(this.root, ...parts);
  }

  /** The data directory of a tenant, made with its identity when it is not there. */
  tenant(id: string): string {
    const directory = this.path("tenants", id, "data");
    mkdirSync(directory, { recursive: true });
    const identity = { fleet: "test", tenant: id, id: randomUUID(), created: "2025-11-21T12:00:00Z" };
    writeFileSync(join(directory, ".owui-identity.json"), JSON.stringify(identity));
    return directory;
  }

  /** Has it believe these authorities and no others. */
  believe(...authorities: TestAuthority[]): void {
    writeFileSync(this.path("tls", "ca.crt"), authorities.map(({ certificate }) => certificate).join("\n"));
  }

  /** Puts the agent's own certificate in place. */
  install({ certificate, key }: Credentials): void {
    writeFileSync(this.path("tls", "tls.crt"), certificate);
    writeFileSync(this.path("tls", "tls.key"), key, { mode: 0o600 });
  }

  /**
   * Runs the agent, again after a kill.
   * @param environment for this run only
   */
  async run(environment: Record<string, string> = {}): Promise<void> {
    const child = spawn(process.execPath, [this.#program, this.path("agent.json")], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...imageEnvironment, ...this.#environment, ...environment },
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
      throw new Error(`The agent ended before it listened: ${errors}`, { cause });
    }
  }

  /** Sends a signal and waits for the end; gives the exit code. */
  stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    return stopChild(this.#child, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
    rmSync(this.root, { recursive: true, force: true });
  }

  /** One request; resolves when the answer's head is there. */
  request(options: RequestOptions, body?: string): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
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
  }

  /** GET with the node's certificate. */
  async get(path: string, options: RequestOptions = {}): Promise<{ status: number; body: string }> {
    const response = await this.request({ path, ...options });
    return { status: response.statusCode ?? 0, body: (await buffer(response)).toString() };
  }

  /** Begins to ask for a tenant's changes. */
  ask(
    tenant: string,
    committed: string | null = null,
    signal?: AbortSignal,
    wish: { full?: boolean; held?: string } = {},
  ): Promise<IncomingMessage> {
    const options = { method: "POST", path: `/v1/tenants/${tenant}/changes`, ...(signal && { signal }) };
    return this.request(options, JSON.stringify({ committed, ...wish }));
  }

  /** A tenant's changes, message by message, as a node reads them. */
  async changes(tenant: string, committed: string | null = null): Promise<Message[]> {
    return Array.fromAsync(messagesOf(await this.ask(tenant, committed)));
  }
}

/** The messages of an answer. */
export async function* messagesOf(response: IncomingMessage): AsyncGenerator<Message> {
  if (response.statusCode !== 200)
    throw new Error(`The agent answered ${response.statusCode}: ${await buffer(response)}`);
  // Unlike pipe(), a pipeline also tells the reader of a connection that broke.
  yield* readMessages(pipeline(response, createZstdDecompress(), () => {}));
}
