import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../../support/fleet/until.ts";
import { Pair } from "./pair.ts";

let pair: Pair;
beforeAll(async () => {
  pair = await Pair.start();
});
afterAll(() => pair?.[Symbol.asyncDispose]());

const WRONG_CLOCK = new URL("wrong-clock.ts", import.meta.url).pathname;

test("a leader that is stopped is followed, and when it goes on it writes nothing under its former epoch", async () => {
  const { leader, follower } = await pair.whole();
  const since = await pair.now();
  leader.node.signal("SIGSTOP");
  await pair.firstWrite(follower, since);
  leader.node.signal("SIGCONT");
  await until(
    "it says that it gave up the lease",
    () => leader.node.log.findLast(({ msg }) => /lease/.test(String(msg)))?.msg === "gave up the lease",
  );
  await pair.whole();
  expect(await pair.violations()).toEqual([]);
});

test("a leader whose packets are swallowed is followed, and what it sent comes too late", async () => {
  const { leader, follower } = await pair.whole();
  const since = await pair.now();
  leader.door.stall("to");
  await pair.firstWrite(follower, since);
  leader.door.flow();
  await pair.whole();
  expect(await pair.violations()).toEqual([]);
});

test("a leader that hears no answers is followed", async () => {
  const { leader, follower } = await pair.whole();
  const since = await pair.now();
  leader.door.stall("back");
  await pair.firstWrite(follower, since);
  leader.door.flow();
  await pair.whole();
  expect(await pair.violations()).toEqual([]);
});

test("a node whose wall clock is an hour ahead takes its turn, and no more than that", async () => {
  const { leader, follower } = await pair.whole();
  await follower.node.stop();
  await follower.node.run({ NODE_OPTIONS: `--import=${WRONG_CLOCK}` });
  expect((await pair.whole()).leader.id).toBe(leader.id);
  const since = await pair.now();
  await leader.node.stop();
  await pair.firstWrite(follower, since);
  await leader.node.run();
  expect((await pair.whole()).leader.id).toBe(follower.id);
  await pair.synced(since);
  expect(await pair.violations()).toEqual([]);
});

test("nodes over a slow connection sync on, under one leader", async () => {
  const { leader } = await pair.whole();
  for (const { door } of pair.nodes) door.delay(150);
  const since = await pair.now();
  await pair.synced(since);
  expect((await pair.whole()).leader.id).toBe(leader.id);
  for (const { door } of pair.nodes) door.delay(0);
  expect(await pair.violations()).toEqual([]);
});
