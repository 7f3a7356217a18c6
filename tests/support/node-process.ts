import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync, type KeyObject, randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { SignJWT } from "jose";
import { keyId } from "../../sync-runtime/node/api/token.ts";
import type { NodeConfig } from "../../sync-runtime/node/node-config.ts";
import type { FleetOutputs } from "../../toolchain/commands/fleet-outputs.ts";
import type { Credentials, TestAuthority } from "./certificates.ts";
import { stopChild } from "./child-process.ts";
import { until } from "./fleet/until.ts";
import { imageEnvironment } from "./image-environment.ts";
import type { TestDatabase } from "./postgres.ts";
import { keepLog, lastWords } from "./process-logs.ts";
import { programOf } from "./programs.ts";

/** What a test may choose about a node; the rest is as the stack writes it. */
export interface NodeOptions {
  database: Pick<TestDatabase, "credentials"> | { credentials(): NodeConfig["database"] };
  authority: TestAuthority;
  node: string;
  /** Instead of a certificate of its own. */
  credentials?: Credentials;
  /** Instead of the one that the image has. */
  program?: string;
  /** How often it may be asked, where not as usual. */
  rates?: Record<"address" | "subject", { perSecond: number; burst: number }>;
  /** How it reaches Postgres, where not directly. */
  postgres?: Partial<NodeConfig["database"]>;
}

/** A real node process with its config file, and an operator's key to ask it with. */
export class NodeProcess implements AsyncDisposable {
  readonly id: string;
  readonly root: string;
  /** Every line it logged. */
  readonly log: Record<string, unknown>[] = [];
  readonly #program: string;
  readonly #operator: KeyObject;
  #child: ChildProcess | undefined;
  #port = 0;

  private constructor(id: string, root: string, program: string, operator: KeyObject) {
    this.id = id;
    this.root = root;
    this.#program = program;
    this.#operator = operator;
  }

  static async start(options: NodeOptions): Promise<NodeProcess> {
    const { database, authority, node: id } = options;
    const root = mkdtempSync(join(tmpdir(), `node-${id}-`));
    const operator = generateKeyPairSync("ed25519");
    const tls = { certificate: join(root, "tls.crt"), key: join(root, "tls.key"), ca: join(root, "ca.crt") };
    const config = {
      cluster: "main",
      node: id,
      listen: { address: "127.0.0.1", port: 0 },
      tls,
      operatorKeys: [operator.publicKey.export({ type: "spki", format: "pem" })],
      parallel: 5,
      ...(options.rates ? { rates: options.rates } : {}),
      database: { ...database.credentials("sync_main"), ...options.postgres },
    };
    writeFileSync(join(root, "node.json"), JSON.stringify(config), { mode: 0o600 });
    const node = new NodeProcess(id, root, options.program ?? programOf("node"), operator.privateKey);
    node.install(options.credentials ?? (await authority.node("main", id)));
    node.believe(authority);
    keepLog(`node ${id}`, node.log);
    await node.run();
    return node;
  }

  /** Gives it another certificate, one file after the other. */
  install({ certificate, key }: Credentials): void {
    writeFileSync(join(this.root, "tls.crt"), certificate);
    writeFileSync(join(this.root, "tls.key"), key, { mode: 0o600 });
  }

  /** Has it believe these authorities and no others. */
  believe(...authorities: TestAuthority[]): void {
    writeFileSync(join(this.root, "ca.crt"), authorities.map(({ certificate }) => certificate).join("\n"));
  }

  /** Where its API listens. */
  get port(): number {
    return this.#port;
  }

  /** Private key of an operator. */
  get operatorKey(): KeyObject {
    return this.#operator;
  }

  /** PEM that its certificate is signed by. */
  get certificateAuthority(): string {
    return readFileSync(join(this.root, "ca.crt"), "utf8");
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /**
   * Runs the node, again after a kill.
   * @param environment for this run only
   */
  async run(environment: Record<string, string> = {}): Promise<void> {
    this.#port = 0;
    const child = spawn(process.execPath, [this.#program, join(this.root, "node.json")], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, ...imageEnvironment, ...environment },
    });
    this.#child = child;
    createInterface({ input: child.stdout }).on("line", (line) => {
      const entry = JSON.parse(line);
      this.log.push(entry);
      if (entry.msg === "serves the API") this.#port = Number(new URL(entry.address).port);
    });
    await until(`node ${this.id} serves its API`, () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}\n${lastWords()}`);
      return this.#port > 0;
    });
  }

  /** What a stack's outputs say about it, for the commands that ask nodes. */
  get outputs(): Pick<FleetOutputs, "nodes" | "operatorKey" | "certificateAuthority"> {
    return {
      nodes: { [this.id]: { url: `https://localhost:${this.#port}` } },
      operatorKey: this.#operator.export({ type: "pkcs8", format: "pem" }) as string,
      certificateAuthority: readFileSync(join(this.root, "ca.crt"), "utf8"),
    };
  }

  /** Sends a signal that does not end it: SIGSTOP, SIGCONT. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Sends a signal and waits for the end. */
  stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    return stopChild(this.#child, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
    rmSync(this.root, { recursive: true, force: true });
  }

  /** Bytes of anonymous resident memory. */
  anonymousMemory(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
    return Number(/^RssAnon:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
  }

  /** An operator's token. */
  token(scope: string, { seconds = 300, audience = "owui-cluster" } = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({ scope, sub: "test", jti: randomUUID() })
      .setProtectedHeader({ alg: "EdDSA", kid: keyId(this.#operator) })
      .setAudience(audience)
      .setIssuedAt(now)
      .setExpirationTime(now + seconds)
      .sign(this.#operator);
  }

  /** One request, with whatever token and certificate are given. */
  ask(
    method: string,
    path: string,
    token?: string,
    json?: unknown,
    client?: Credentials,
  ): Promise<{ status: number; type: string; body: string }> {
    const ca = readFileSync(join(this.root, "ca.crt"));
    return new Promise((resolve, reject) => {
      const asked = request({
        ...{ host: "localhost", port: this.#port, method, path, ca, agent: false },
        ...(client && { cert: client.certificate, key: client.key }),
        headers: {
          ...(token ? { authorization: `Bearer ${token}` } : {}),
          ...(json === undefined ? {} : { "content-type": "application/json" }),
        },
      });
      asked.once("response", (answer) => {
        const { statusCode: status = 0, headers } = answer;
        text(answer).then((body) => resolve({ status, type: headers["content-type"] ?? "", body }), reject);
      });
      asked.once("error", reject).end(json === undefined ? undefined : JSON.stringify(json));
    });
  }

  /** The JSON of a GET with a reader's token. */
  async get<T>(path: string): Promise<T> {
    const { status, body } = await this.ask("GET", path, await this.token("read"));
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${body}`);
    return JSON.parse(body);
  }

  /** What an operator has done with a tenant's replica; the answer's status. */
  async order(what: "verify" | "accept", tenant: string, json?: unknown): Promise<number> {
    const token = await this.token("operate");
    return (await this.ask("POST", `/api/v1/sync/${what}/${tenant}`, token, json)).status;
  }

  /** Asks for a sync of a tenant now. */
  async trigger(tenant: string): Promise<void> {
    const { status, body } = await this.ask(
      "POST",
      `/api/v1/sync/trigger/${tenant}`,
      await this.token("operate"),
    );
    if (status !== 202) throw new Error(`trigger ${tenant}: ${status} ${body}`);
  }

  /** Sends JSON with an operator's token. */
  async put(path: string, json: unknown): Promise<void> {
    const { status, body } = await this.ask("PUT", path, await this.token("operate"), json);
    if (status !== 200) throw new Error(`PUT ${path}: ${status} ${body}`);
  }
}
