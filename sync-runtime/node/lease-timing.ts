import * as z from "zod";

/** How a node keeps time with the others; README.md has the arithmetic. All in seconds. */
export interface LeaseTiming {
  /** From one beat to the next. */
  beat: number;
  /** How long a lease lasts without being renewed. */
  duration: number;
}

/** A leader that dies is followed within 3 s; one may miss a beat, and be a second late besides. */
export const DEFAULT_TIMING: LeaseTiming = { beat: 1, duration: 3 };

/** Each beat is a small write, so more of them cost the server more than they gain. */
const SHORTEST_BEAT = 0.25;
/** A leader is to be followed within this, whatever went wrong. */
const LONGEST_WITHOUT_LEADER = 35;
/** What a follower may need to find Postgres again, once its own connection broke at the same time. */
const CONNECTING = 5;

/**
 * Silence after which a node counts as dead and its jobs are taken over: what a lease lasts and a beat more. Taking over
 * too early does no harm but work done twice, since the claim's epoch decides who may commit.
 */
export const silenceOf = ({ beat, duration }: LeaseTiming): number => duration + beat;

/** What makes a timing unsafe, each with its arithmetic; none: it is safe. */
export function unsafeTiming({ beat, duration }: LeaseTiming): string[] {
  const problems: string[] = [];
  if (beat < SHORTEST_BEAT)
    problems.push(
      `a beat of ${beat} s is ${count(1 / beat)} writes a second of each node. Give at least ${SHORTEST_BEAT} s`,
    );
  if (duration < 3 * beat)
    problems.push(
      `a lease of ${duration} s is ${count(duration / beat)} beats of ${beat} s: one beat that is missed leaves ` +
        `${count(duration - 2 * beat)} s for slow answers and pauses until another node leads. ` +
        `Give at least 3 beats: ${count(3 * beat)} s`,
    );
  const without = duration + beat + CONNECTING;
  if (without > LONGEST_WITHOUT_LEADER)
    problems.push(
      `a lease of ${duration} s, a beat of ${beat} s and ${CONNECTING} s to connect again leave the cluster ` +
        `without a leader for up to ${count(without)} s, and ${LONGEST_WITHOUT_LEADER} s are allowed. ` +
        `Give a shorter lease`,
    );
  return problems;
}

const count = (value: number): string => String(Number(value.toFixed(2)));

/** The setting as a node reads it; refuses what {@link unsafeTiming} finds. */
export const LeaseSettings = z
  .strictObject({ beat: z.number().positive(), duration: z.number().positive() })
  .superRefine((timing, context) => {
    for (const message of unsafeTiming(timing)) context.addIssue({ code: "custom", message });
  });
