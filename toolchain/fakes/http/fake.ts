import { timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Meter, type RateLimit } from "./allowance.ts";
import type { Dialect, Refusal } from "./dialect.ts";
import { Faults } from "./faults.ts";
import type { RequestLog } from "./request-log.ts";
import { type Answer, type Route, routed } from "./route.ts";

/** How a fake behaves; tests choose all of it. */
export interface Conduct {
  /** The token it accepts. */
  token: string;
  /** What was just made is not found by its path for so long, in ms. Default 0. */
  lag?: number;
  /** Default: the real API's. */
  rateLimit?: RateLimit;
  log?: RequestLog;
  now?: () => Date;
}

/** An API to serve. */
export interface Api {
  /** `digitalocean`; stands in the log. */
  name: string;
  dialect: Dialect;
  rateLimit: RateLimit;
  /** Paths that need no token. */
  open?: readonly string[];
  routes: readonly Route[];
}

/** Where faults are injected and listed; no path of a real API. */
const faultsPath = "/fake/faults";

/** A body of more is refused by both clouds long before. */
const bodyLimit = 1024 * 1024;

class BadJsonError extends Error {}

const bodyOf = async (request: IncomingMessage): Promise<unknown> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > bodyLimit) throw new BadJsonError("the body is too large");
    chunks.push(chunk as Buffer);
  }
  if (size === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch (error) {
    throw new BadJsonError("the body is not JSON", { cause: error });
  }
};

const sameText = (given: string, wanted: string): boolean => {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
};

/** One cloud's API on loopback. Says in a header of every answer that it is a fake. */
export class Fake {
  readonly faults: Faults;
  readonly #api: Api;
  readonly #conduct: Conduct;
  readonly #meter: Meter;
  readonly #now: () => Date;
  /** Paths of what is too new to be found, and until when. */
  readonly #unseen = new Map<string, number>();
  #server: Server | undefined;

  constructor(api: Api, conduct: Conduct, faults = new Faults()) {
    this.#api = api;
    this.#conduct = conduct;
    this.#now = conduct.now ?? (() => new Date());
    this.#meter = new Meter(conduct.rateLimit ?? api.rateLimit, this.#now);
    this.faults = faults;
  }

  /** Listens on 127.0.0.1, on a free port unless one is given; the API's base address without its prefix. */
  async listen(port = 0): Promise<string> {
    const server = createServer((request, response) => void this.#serve(request, response));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", resolve);
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? "GET";
    const url = new URL(request.url ?? "/", "http://fake");
    if (url.pathname === faultsPath) return this.#serveFaults(method, request, response);
    const { answer, fault } = await this.#answer(method, url, request);
    const lost = fault === "lost";
    this.#conduct.log?.({
      time: this.#now().toISOString(),
      fake: this.#api.name,
      method,
      url: url.pathname + url.search,
      status: lost ? 0 : answer.status,
      ...(fault ? { fault } : {}),
    });
    if (lost) return void request.socket.destroy();
    this.#send(response, answer);
  }

  async #answer(
    method: string,
    url: URL,
    request: IncomingMessage,
  ): Promise<{ answer: Answer; fault?: string | undefined }> {
    const { allowed, allowance } = this.#meter.take();
    const refuse = (why: Refusal, left = allowance): Answer => this.#api.dialect.refusal(why, left);
    const rate = this.#api.dialect.headers(allowance);
    const withRate = (answer: Answer): Answer => ({ ...answer, headers: { ...rate, ...answer.headers } });

    const body = await bodyOf(request).catch((error: Error) => error);
    if (!this.#isOpen(url.pathname) && !this.#isAuthorized(request))
      return { answer: withRate(refuse("unauthorized")) };
    const fault = this.faults.ofRequest(method, url.pathname);
    // An injected 429 passes in a second; one of an allowance that is used up says when the next begins.
    if (fault !== undefined && fault !== "lost") {
      return { answer: withRate(refuse(fault, { ...allowance, retryAfter: 1 })), fault };
    }
    if (!allowed) return { answer: withRate(refuse("rate-limit")) };
    if (body instanceof Error) return { answer: withRate(refuse("bad-json")) };

    const found = routed(this.#api.routes, method, url.pathname);
    if (found === undefined || this.#isUnseen(method, url.pathname))
      return { answer: withRate(refuse("not-found")) };
    if (found === "other-method") return { answer: withRate(refuse("other-method")) };
    const call = { method, path: url.pathname, params: found.params, query: url.searchParams, body };
    try {
      const answer = await found.route.handle(call);
      if (answer.created !== undefined) this.#hide(answer.created);
      return { answer: withRate(answer), fault };
    } catch (error) {
      const said = this.#api.dialect.error(error);
      if (!said)
        process.stderr.write(
          `${this.#api.name} fake: ${method} ${url.pathname}: ${(error as Error).stack}\n`,
        );
      return { answer: withRate(said ?? refuse("server-error")), fault };
    }
  }

  #isOpen(path: string): boolean {
    return this.#api.open?.includes(path) === true;
  }

  #isAuthorized(request: IncomingMessage): boolean {
    const given = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
    return given !== undefined && sameText(given, this.#conduct.token);
  }

  #hide(path: string): void {
    if (this.#conduct.lag) this.#unseen.set(path, this.#now().getTime() + this.#conduct.lag);
  }

  #isUnseen(method: string, path: string): boolean {
    const until = this.#unseen.get(path);
    if (until === undefined || method !== "GET") return false;
    if (this.#now().getTime() < until) return true;
    this.#unseen.delete(path);
    return false;
  }

  /** GET lists the faults that wait, POST adds one, DELETE forgets them. Loopback is all it takes to be let in. */
  async #serveFaults(method: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const body = await bodyOf(request);
      if (method === "POST") this.faults.add(body as never);
      if (method === "DELETE") this.faults.clear();
      this.#send(response, { status: 200, body: { faults: this.faults.list() } });
    } catch (error) {
      this.#send(response, { status: 400, body: { message: (error as Error).message } });
    }
  }

  #send(response: ServerResponse, { status, body, headers }: Answer): void {
    const text = body === undefined ? undefined : JSON.stringify(body);
    response.writeHead(status, {
      "x-fake-cloud": `${this.#api.name}: nothing here is real`,
      ...(text === undefined ? {} : { "content-type": "application/json; charset=utf-8" }),
      ...headers,
    });
    response.end(text);
  }
}
