import { ApiProblem } from "./problem.ts";

/** How often somebody may ask. */
export interface Rate {
  /** Requests a second, kept up for any time. */
  perSecond: number;
  /** Requests at once, after a while of none. */
  burst: number;
}

/** Who is remembered at a time; beyond that, whoever was silent for longest is forgotten. */
const REMEMBERED = 10_000;

/** Counts requests by who makes them; somebody who asks too often hears when to come again. */
export class RateLimit {
  readonly #rate: Rate;
  readonly #now: () => number;
  /** What each has left, and when that was so; who asked last stands last. */
  readonly #left = new Map<string, { requests: number; at: number }>();

  /** @param now milliseconds on a clock that never steps */
  constructor(rate: Rate, now: () => number) {
    this.#rate = rate;
    this.#now = now;
  }

  /** Takes one request of somebody's allowance; throws the {@link ApiProblem} to answer when it is used up. */
  take(who: string): void {
    const { perSecond, burst } = this.#rate;
    const now = this.#now();
    const known = this.#left.get(who);
    const left = known ? Math.min(burst, known.requests + ((now - known.at) / 1000) * perSecond) : burst;
    this.#left.delete(who);
    this.#left.set(who, { requests: Math.max(0, left - 1), at: now });
    if (this.#left.size > REMEMBERED) this.#left.delete(this.#left.keys().next().value as string);
    if (left >= 1) return;
    const seconds = Math.ceil((1 - left) / perSecond);
    throw new ApiProblem(
      "too-many-requests",
      `At most ${perSecond} requests a second are answered. Come again in ${seconds} s.`,
      { headers: { "retry-after": String(seconds) } },
    );
  }

  /** How many are remembered. */
  get size(): number {
    return this.#left.size;
  }
}

/** An address as it is counted: of IPv6 the network of 64 bits, of which one machine has as many as it likes. */
export function addressKey(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined || !address.includes(":")) return mapped ?? address;
  const [head = "", tail] = address.split("::");
  const groups = head.split(":").filter((group) => group !== "");
  const rest = tail === undefined ? [] : tail.split(":").filter((group) => group !== "");
  const zeros = Array.from({ length: Math.max(0, 8 - groups.length - rest.length) }, () => "0");
  return [...groups, ...zeros, ...rest].slice(0, 4).join(":");
}
