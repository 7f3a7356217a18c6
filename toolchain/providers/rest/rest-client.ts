import { setTimeout as sleep } from "node:timers/promises";

/** What an API answered that was no success. */
export class RestError extends Error {
  override readonly name = "RestError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface RestSettings {
  /** Loopback alone; see loopback.ts. */
  endpoint: URL;
  token: string;
  /** Attempts after the first, of what the server could not answer: 429, 5xx, a broken connection. */
  retries: number;
  /** Seconds before the first retry; doubled for each further one. */
  waitMin: number;
  waitMax: number;
  /** The API's own words in an answer that is no success. */
  reason: (body: unknown) => string;
}

/** 501 is the only one of them that says it will never do. */
const isPassing = (status: number): boolean => status === 429 || (status >= 500 && status !== 501);

/** A REST API with JSON bodies. Tokens go into the header alone; no error holds one. */
export class RestClient {
  readonly #settings: RestSettings;

  constructor(settings: RestSettings) {
    this.#settings = settings;
  }

  /** The answer's body, undefined where there is none. */
  async send<T>(method: string, path: string, signal: AbortSignal, body?: unknown): Promise<T> {
    const url = new URL(path, this.#settings.endpoint);
    for (let attempt = 0; ; attempt += 1) {
      const last = attempt >= this.#settings.retries;
      const answer = await this.#once(method, url, signal, body).catch((error: Error) => {
        if (last || signal.aborted) throw new Error(`${method} ${url}: ${causeOf(error)}`, { cause: error });
      });
      if (answer && (last || !isPassing(answer.status))) return this.#read<T>(method, url, answer);
      await sleep(this.#pause(attempt, answer?.headers.get("retry-after")), undefined, { signal });
    }
  }

  /** The answer to a GET; undefined if there is no such thing. */
  async find<T>(path: string, signal: AbortSignal): Promise<T | undefined> {
    return await this.send<T>("GET", path, signal).catch((error: Error) => {
      if (error instanceof RestError && error.status === 404) return undefined;
      throw error;
    });
  }

  /** Deletes; what is gone already is no error. */
  async remove(path: string, signal: AbortSignal): Promise<void> {
    await this.send("DELETE", path, signal).catch((error: Error) => {
      if (!(error instanceof RestError && error.status === 404)) throw error;
    });
  }

  #once(method: string, url: URL, signal: AbortSignal, body: unknown): Promise<Response> {
    return fetch(url, {
      method,
      signal,
      // A redirect could lead away from this machine.
      redirect: "error",
      headers: {
        authorization: `Bearer ${this.#settings.token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  async #read<T>(method: string, url: URL, answer: Response): Promise<T> {
    const text = await answer.text();
    const body: unknown = text === "" ? undefined : JSON.parse(text);
    if (answer.ok) return body as T;
    throw new RestError(answer.status, `${method} ${url}: ${answer.status} ${this.#settings.reason(body)}`);
  }

  /** In ms: what the server asks for, else twice as long each time. */
  #pause(attempt: number, asked: string | null | undefined): number {
    const { waitMin, waitMax } = this.#settings;
    const seconds = asked ? Number(asked) : waitMin * 2 ** attempt;
    return Math.min(Number.isFinite(seconds) ? seconds : waitMax, waitMax) * 1000;
  }
}

/** fetch says "fetch failed" and hides why. */
const causeOf = (error: Error): string => {
  const cause = error.cause as { code?: string; message?: string } | undefined;
  return cause?.code ?? cause?.message ?? error.message;
};
