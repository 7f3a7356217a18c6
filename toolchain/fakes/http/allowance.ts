import type { Allowance } from "./dialect.ts";

/** How many requests a client may make in which time. */
export interface RateLimit {
  requests: number;
  seconds: number;
}

/** Counts requests in windows of a fixed length, as both clouds do. */
export class Meter {
  readonly #limit: RateLimit;
  readonly #now: () => Date;
  #resetAt = 0;
  #used = 0;

  constructor(limit: RateLimit, now: () => Date) {
    this.#limit = limit;
    this.#now = now;
  }

  /** Takes one request off the allowance, and says whether there was one left. */
  take(): { allowed: boolean; allowance: Allowance } {
    const now = this.#now().getTime();
    if (now >= this.#resetAt) {
      this.#resetAt = now + this.#limit.seconds * 1000;
      this.#used = 0;
    }
    const allowed = this.#used < this.#limit.requests;
    if (allowed) this.#used += 1;
    return { allowed, allowance: this.#allowance(now) };
  }

  #allowance(now: number): Allowance {
    return {
      limit: this.#limit.requests,
      remaining: this.#limit.requests - this.#used,
      resetAt: new Date(this.#resetAt),
      retryAfter: Math.max(1, Math.ceil((this.#resetAt - now) / 1000)),
    };
  }
}
