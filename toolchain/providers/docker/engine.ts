import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Properties } from "../plugin/properties.ts";
import { openDoor } from "./ssh-door.ts";
import { dialArguments, SshStream } from "./ssh-stream.ts";

/** Where a Docker engine listens unless it was told otherwise. */
const defaultHost = "unix:///var/run/docker.sock";

/** The engine answered with an error; the message is its own. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** What a request carries. */
export interface Body {
  content: Buffer | string;
  type: string;
}

const bodyOf = (value: unknown): Body => ({ content: JSON.stringify(value), type: "application/json" });

const readAll = async (response: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
};

/** The engine's own words: it answers `{"message": …}`, and something between us and it may not. */
const messageOf = (text: string): string => {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? text;
  } catch {
    return text;
  }
};

/**
 * Connections that one plugin keeps to an engine of another machine at most. Each is an ssh connection, and sshd refuses
 * what it gets too many of at once; the real plugin keeps no count.
 */
const sshConnections = 4;

/**
 * For how long one is kept that nobody uses, ms. A droplet that is made anew keeps its address: what was connected to the one
 * before would wait for an answer of a machine that is gone.
 */
const sshIdleMs = 3_000;

/** Connections over ssh, made when they are needed and used again soon. */
class SshAgent extends Agent {
  readonly #connect: () => Duplex;
  readonly #idle = new Map<Duplex, NodeJS.Timeout>();

  constructor(connect: () => Duplex) {
    super({ keepAlive: true, maxSockets: sshConnections, maxFreeSockets: sshConnections });
    this.#connect = connect;
  }

  override createConnection(): Duplex {
    return this.#connect();
  }

  /** Node keeps one where this answers true, which its types do not know. */
  override keepSocketAlive(socket: Duplex): unknown {
    this.#idle.set(
      socket,
      setTimeout(() => {
        this.#idle.delete(socket);
        socket.destroy();
      }, sshIdleMs),
    );
    return super.keepSocketAlive(socket);
  }

  override reuseSocket(socket: Duplex, request: ClientRequest): void {
    clearTimeout(this.#idle.get(socket));
    this.#idle.delete(socket);
    super.reuseSocket(socket, request);
  }
}

/** A Docker engine's HTTP API; paths carry no version, so that any engine takes them. */
export class Engine {
  /** As DOCKER_HOST would say it. */
  readonly host: string;
  readonly #sshOpts: readonly string[];
  /** How HTTP gets there. */
  readonly #way: { socketPath: string } | { agent: Agent };

  /**
   * @param host `unix://…`, an engine of this machine, or `ssh://…`, one of another
   * @param sshOpts options of the ssh client, before its others
   */
  constructor(host: string, sshOpts: readonly string[] = []) {
    this.host = host;
    this.#sshOpts = sshOpts;
    if (host.startsWith("unix://")) this.#way = { socketPath: host.slice("unix://".length) };
    else if (host.startsWith("ssh://")) {
      dialArguments(host, sshOpts); // a wrong address is refused here
      this.#way = { agent: new SshAgent(() => new SshStream(host, sshOpts)) };
    } else {
      throw new Error(
        `the docker stand-in cannot reach ${host}: it only speaks to engines on this machine (unix://…) and over ` +
          "ssh (ssh://…). Set the provider's host or DOCKER_HOST to such an address, or install the real plugin.",
      );
    }
  }

  /** Lends the engine to a docker client, under the DOCKER_HOST it is to have; a failure says what ssh said. */
  async lend<T>(use: (dockerHost: string) => Promise<T>): Promise<T> {
    if ("socketPath" in this.#way) return use(this.host);
    const door = await openDoor(this.host, this.#sshOpts);
    try {
      return await use(door.host);
    } catch (error) {
      const said = door.failure();
      throw said === undefined ? error : new Error(said, { cause: error });
    } finally {
      await door.close();
    }
  }

  /** Sends a request; the answer's text. An answer of 400 or more throws {@link EngineError}. */
  async send(method: string, path: string, signal?: AbortSignal, body?: Body): Promise<string> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = body ? { "content-type": body.type } : {};
      const request = httpRequest(
        { ...this.#way, method, path, headers, ...(signal ? { signal } : {}) },
        resolve,
      );
      request.once("error", reject);
      request.end(body?.content);
    });
    const text = await readAll(response);
    const status = response.statusCode ?? 500;
    if (status >= 400) throw new EngineError(status, messageOf(text).trim());
    return text;
  }

  async get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return JSON.parse(await this.send("GET", path, signal)) as T;
  }

  /** Like get, with undefined for what does not exist. */
  async find<T>(path: string, signal?: AbortSignal): Promise<T | undefined> {
    return this.get<T>(path, signal).catch(unless(404));
  }

  /** Posts JSON; the answer's text. */
  async post(path: string, signal: AbortSignal, body?: unknown): Promise<string> {
    return this.send("POST", path, signal, body === undefined ? undefined : bodyOf(body));
  }
}

/** Swallows the engine's answers of these statuses, to be used with `catch`. */
export const unless =
  (...statuses: number[]) =>
  (error: unknown): undefined => {
    if (error instanceof EngineError && statuses.includes(error.status)) return undefined;
    throw error;
  };

/** Labels as the engine has them. */
export const labelMap = (labels: { label: string; value: string }[] = []): Record<string, string> =>
  Object.fromEntries(labels.map(({ label, value }) => [label, value]));

/** Labels as the SDK has them, by name, so that two looks agree. */
export const labelList = (labels: Record<string, string> | null = {}): { label: string; value: string }[] =>
  Object.entries(labels ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([label, value]) => ({ label, value }));

/** The engine a configuration means. Fails, as the real Configure does, when no engine answers. */
export const connect = async (config: Properties): Promise<Engine> => {
  const host = (config.host as string | undefined) ?? process.env.DOCKER_HOST ?? defaultHost;
  const engine = new Engine(host, (config.sshOpts as string[] | undefined) ?? []);
  await engine.send("GET", "/_ping", AbortSignal.timeout(30_000)).catch((error: Error) => {
    throw new Error(`failed to connect to any docker daemon: ${host}: ${error.message}`);
  });
  return engine;
};
