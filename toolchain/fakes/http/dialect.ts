import type { Answer } from "./route.ts";

/** Why a request was refused; each API says it in words and numbers of its own. */
export type Refusal =
  | "unauthorized"
  | "not-found"
  | "other-method"
  | "bad-json"
  | "rate-limit"
  | "server-error"
  | "unavailable";

/** How much of its allowance a client has left. */
export interface Allowance {
  limit: number;
  remaining: number;
  /** When the next allowance begins. */
  resetAt: Date;
  /** Until then, in seconds, at least 1. */
  retryAfter: number;
}

/** An API's own way of saying what every API says. */
export interface Dialect {
  refusal: (why: Refusal, allowance: Allowance) => Answer;
  /** Headers of every answer. */
  headers: (allowance: Allowance) => Record<string, string>;
  /** An error a handler threw; undefined if it is none the API has. */
  error: (error: unknown) => Answer | undefined;
}
