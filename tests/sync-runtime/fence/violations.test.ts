import { describe, expect, test } from "vitest";
import { type GuardedWrite, lostSyncs, violations } from "./violations.ts";

/** A history in words: `take 1 a` begins epoch 1 of run a, `end 1 a` is written under it, `end 1` by a sync of it. */
const historyOf = (...words: string[]): GuardedWrite[] =>
  words.map((word, index) => {
    const [write = "", epoch, run = null] = word.split(" ");
    return { guard: "claim:acme", write, epoch: Number(epoch), run, xact: `${index}` };
  });

test("runs that follow one another, each under an epoch of its own, are in order", () => {
  const history = historyOf(
    "take 1 a",
    "end 1 a",
    "replica 1",
    "take 2 b",
    "progress 2 b",
    "take 4 a",
    "end 4 a",
  );
  expect(violations(history)).toEqual([]);
});

test("every guard has an order of its own", () => {
  const lease = historyOf("take 7 b", "schedule 7 b").map((write) => ({ ...write, guard: "lease" }));
  expect(violations([...historyOf("take 1 a"), ...lease, ...historyOf("end 1 a")])).toEqual([]);
});

describe("it is seen that", () => {
  test.each([
    [
      "a former holder commits behind its follower's beginning",
      ["take 1 a", "take 2 b", "replica 1"],
      "claim:acme: replica of epoch 1 by a sync in 2 was committed behind the beginning of epoch 2",
    ],
    [
      "two runs have one epoch",
      ["take 1 a", "take 1 b"],
      "claim:acme: take of epoch 1 by b in 1 takes an epoch that a has",
    ],
    [
      "somebody writes under another's epoch",
      ["take 1 a", "schedule 1 b"],
      "claim:acme: schedule of epoch 1 by b in 1 is written by another than a, whose epoch it is",
    ],
    [
      "something is written under an epoch that nobody has taken",
      ["take 1 a", "end 2 a"],
      "claim:acme: end of epoch 2 by a in 1 was committed before that epoch began",
    ],
  ])("%s", (_, words, violation) => {
    expect(violations(historyOf(...words))).toEqual([violation]);
  });

  const replica = (syncBefore: string | null, syncAfter: string | null): GuardedWrite => ({
    ...{ guard: "claim:acme", write: "replica", epoch: 1, run: null, xact: `${syncAfter}` },
    ...{ syncBefore, syncAfter },
  });

  test("a sync vanished between two others", () => {
    const [take] = historyOf("take 1 a");
    expect(violations([take as GuardedWrite, replica(null, "x"), replica(null, "y")])).toEqual([
      "claim:acme: y found sync null, and x was committed before it",
    ]);
  });

  test("a sync was committed twice", () => {
    const [take] = historyOf("take 1 a");
    const syncs = [replica(null, "x"), replica("x", "y"), replica("y", "x")];
    expect(violations([take as GuardedWrite, ...syncs])).toEqual([
      "claim:acme: sync x was committed twice, again in x",
    ]);
  });

  test("a sync was committed upon another than its source was told of", () => {
    const told = new Map([["y", "w"]]);
    expect(lostSyncs([replica(null, "x"), replica("x", "y")], told)).toEqual([
      "claim:acme: sync y was made upon w and committed upon x",
    ]);
  });
});
