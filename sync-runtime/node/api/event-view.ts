import * as z from "zod";
import type { Statements } from "../postgres.ts";

/** How many events of a kind are looked at; whoever was away for more has missed some. */
export const MOST_EVENTS = 1000;

/** Something that happened, as listeners are told of it. */
export interface Event {
  name: string;
  /** Microseconds since 1970 on Postgres' clock: what a listener names to go on from there. */
  at: bigint;
  data: Record<string, unknown>;
}

const Data = z.record(z.string(), z.unknown());
const Running = z.looseObject({ job: z.string(), progress: z.unknown() });
const Held = z.looseObject({ client: z.string(), id: z.string() });

/** The row of recent-events.sql. */
const Recent = z.object({
  now: z.coerce.bigint(),
  events: z.array(z.object({ name: z.string(), key: z.string(), at: z.string(), data: Data })),
  running: z.array(Running),
  held: z.array(Held),
});
export type Recent = z.infer<typeof Recent>;

/**
 * What happened behind a moment, and what is going on.
 * @param since microseconds since 1970; undefined: nothing of the past
 */
export async function recentEvents(postgres: Statements, since: bigint | undefined): Promise<Recent> {
  const from = since === undefined ? null : new Date(Number(since / 1000n));
  const [row] = await postgres.rows("recent-events", [from, MOST_EVENTS]);
  return Recent.parse(row);
}

/** Tells what is new in one look at the cluster, compared with those before it. */
export class EventDiff {
  /** What was told, by name and key, and the look that saw it last; forgotten once no look can bring it again. */
  #told = new Map<string, bigint>();
  #running = new Map<string, string>();
  #held: Map<string, Record<string, unknown>> | undefined;

  /** @param recent a look whose events reach back further than the one before it */
  next({ now, events, running, held }: Recent): Event[] {
    return [...this.#happened(now, events), ...this.#going(now, running), ...this.#holds(now, held)];
  }

  #happened(now: bigint, events: Recent["events"]): Event[] {
    const told = new Map<string, bigint>();
    const fresh = events.filter(({ name, key }) => {
      const is = `${name} ${key}`;
      told.set(is, now);
      return !this.#told.has(is);
    });
    this.#told = told;
    return fresh.map(({ name, at, data }) => ({ name, at: micros(at), data: { ...data, at } }));
  }

  #going(at: bigint, running: Recent["running"]): Event[] {
    const before = this.#running;
    this.#running = new Map(running.map(({ job, progress }) => [job, JSON.stringify(progress)]));
    return running.flatMap(({ progress, ...data }) => {
      const known = before.get(data.job);
      if (known === undefined) return [{ name: "job-began", at, data }];
      return known === this.#running.get(data.job)
        ? []
        : [{ name: "job-progress", at, data: { ...data, progress } }];
    });
  }

  #holds(at: bigint, held: Recent["held"]): Event[] {
    const before = this.#held ?? new Map<string, Record<string, unknown>>();
    this.#held = new Map(held.map((hold) => [`${hold.client} ${hold.id}`, hold]));
    const began = [...this.#held].filter(([key]) => !before.has(key));
    const ended = [...before].filter(([key]) => !this.#held?.has(key));
    return [
      ...began.map(([, data]) => ({ name: "hold-began", at, data })),
      ...ended.map(([, data]) => ({ name: "hold-ended", at, data })),
    ];
  }
}

/** A moment as Postgres writes it in JSON, `2026-01-01T00:00:00.123456+00:00`, as microseconds since 1970. */
export function micros(at: string): bigint {
  const fraction = /\.(\d+)/.exec(at)?.[1] ?? "";
  const seconds = Date.parse(at.replace(/\.\d+/, "")) / 1000;
  return BigInt(seconds) * 1_000_000n + BigInt(fraction.padEnd(6, "0").slice(0, 6));
}

/** An event as it is written to a stream of server-sent events. */
export const eventText = ({ name, at, data }: Event): string =>
  `id: ${at}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
