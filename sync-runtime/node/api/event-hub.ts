import { PassThrough, type Readable } from "node:stream";
import type { Logger } from "pino";
import type { Statements } from "../postgres.ts";
import { type Clock, repeat } from "../service.ts";
import { EventDiff, eventText, recentEvents } from "./event-view.ts";
import { ApiProblem } from "./problem.ts";

/** How often Postgres is asked, while anybody listens. */
const LOOK_MS = 1_000;
/** Looks between two heartbeats, which keep a silent connection from being taken for a dead one. */
const HEARTBEAT = 15;
/** Each look reaches back so far: a transaction's moment is before its end. Microseconds. */
const OVERLAP = 5_000_000n;
/** Listeners at a time. */
export const MOST_LISTENERS = 100;
/** What a listener may leave unread, bytes, before its connection is ended. */
const UNREAD = 256 * 1024;

/** What listening needs of the node. */
interface HubContext {
  postgres: Statements;
  clock: Clock;
  log: Logger;
}

/**
 * Tells everybody who listens to this node what happens in the cluster. Postgres is asked once a second for all of them
 * together, and not at all while nobody listens.
 */
export class EventHub {
  readonly #context: HubContext;
  readonly #beforeNews: () => void;
  readonly #listeners = new Set<PassThrough>();
  #watching: AbortController | undefined;

  /** @param beforeNews is called before listeners are told of anything: whoever asks then is not to hear what was before it */
  constructor(context: HubContext, beforeNews: () => void = () => {}) {
    this.#context = context;
    this.#beforeNews = beforeNews;
  }

  /** How many listen. */
  get listeners(): number {
    return this.#listeners.size;
  }

  /**
   * A stream of what happens from now on.
   * @param since also of what happened behind this moment, microseconds since 1970; undefined: nothing of the past
   * @param expires when the caller's right to listen ends, milliseconds since 1970
   */
  async listen(since: bigint | undefined, expires: number): Promise<Readable> {
    if (this.#listeners.size >= MOST_LISTENERS)
      throw new ApiProblem(
        "too-many-listeners",
        `${MOST_LISTENERS} programs listen to this node already. Try the other node, or again later.`,
        { headers: { "retry-after": "60" } },
      );
    const stream = new PassThrough({ highWaterMark: UNREAD });
    // Before it hears of the past, so that nothing falls between; what comes meanwhile may then come twice.
    this.#listeners.add(stream);
    const timer = setTimeout(() => stream.end(), Math.max(0, expires - Date.now()));
    stream.once("close", () => {
      clearTimeout(timer);
      this.#leave(stream);
    });
    this.#watch();
    try {
      stream.write("retry: 3000\n\n");
      if (since !== undefined) await this.#tellPast(stream, since);
      return stream;
    } catch (error) {
      stream.destroy();
      throw error;
    }
  }

  /** Ends every stream. */
  close(): void {
    for (const stream of this.#listeners) stream.end();
  }

  async #tellPast(stream: PassThrough, since: bigint): Promise<void> {
    const { events } = await recentEvents(this.#context.postgres, since);
    const past = new EventDiff().next({ now: 0n, events, running: [], held: [] });
    if (past.length > 0) this.#beforeNews();
    for (const event of past.filter(({ at }) => at > since)) stream.write(eventText(event));
  }

  #leave(stream: PassThrough): void {
    this.#listeners.delete(stream);
    if (this.#listeners.size > 0) return;
    this.#watching?.abort();
    this.#watching = undefined;
  }

  #watch(): void {
    if (this.#watching) return;
    this.#watching = new AbortController();
    const { signal } = this.#watching;
    const { postgres, clock, log } = this.#context;
    const diff = new EventDiff();
    let from: bigint | undefined;
    let looks = 0;
    const look = async () => {
      // What happened before anybody listened is no news: the first look only sees how things stand.
      const first = from === undefined;
      from ??= (await recentEvents(postgres, undefined)).now;
      const recent = await recentEvents(postgres, from - OVERLAP);
      const news = diff.next(recent);
      if (news.length > 0) this.#beforeNews();
      if (!first) this.#tell(news.map(eventText).join(""));
      from = recent.now;
      looks += 1;
      if (looks % HEARTBEAT === 0) this.#tell(": still here\n\n");
    };
    void repeat(look, { clock, log }, { ms: LOOK_MS, what: "looking for events", signal });
  }

  #tell(text: string): void {
    if (text === "") return;
    for (const stream of this.#listeners) {
      // Whoever does not read loses the connection, and comes again with the last event it had.
      if (stream.writableLength + stream.readableLength > UNREAD) stream.destroy();
      else stream.write(text);
    }
  }
}
