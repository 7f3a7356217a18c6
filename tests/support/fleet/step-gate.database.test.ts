import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Operations } from "../../../fleet/saga/operation.ts";
import { RefusedError } from "../../../toolchain/commands/node-api.ts";
import { ApiPair } from "../../sync-runtime/node/api/api-pair.ts";
import { intentOf, RIVAL, TestDatabase } from "../postgres.ts";
import { StepGate } from "./step-gate.ts";

let database: TestDatabase;
let pair: ApiPair;

beforeAll(async () => {
  database = await TestDatabase.create();
  await database.apply(RIVAL);
  await database.apply(intentOf(["acme", "globex", "initech"]));
  pair = new ApiPair(database);
});
afterAll(async () => {
  await pair?.[Symbol.asyncDispose]();
  await database?.drop();
});

const operationsOf = () =>
  new Operations(async (method, path, { body, key } = {}) => {
    const { status, json } = await pair.ask(0, method, path, {
      ...(body === undefined ? {} : { body: body as object }),
      ...(key === undefined ? {} : { key }),
    });
    if (status < 300) return json;
    throw new RefusedError(json.detail, json.type);
  });
const query = async (text: string, values?: unknown[]) =>
  (await database.queryAlone(text, values)).rows as Record<string, unknown>[];

it("holds back one step of one tenant, refuses it, lets it be taken on at once, and goes", async () => {
  const operations = operationsOf();
  const runner = (name: string) => ({ run: randomUUID(), name });
  const [ana, bob] = [runner("ana"), runner("bob")];
  const wanted = { kind: "trial", request: {}, steps: ["one", "two"], abortable: 2 };
  const gate = await StepGate.of({ query }, "acme");
  await gate.close("two");
  const acme = await operations.begin("acme", { ...wanted, runner: ana });
  const globex = await operations.begin("globex", { ...wanted, runner: ana });
  await operations.report(acme.id, ana, { done: 1 });
  await operations.report(globex.id, ana, { done: 2 });
  expect(await gate.isReached()).toBe(false);

  const held = operations.report(acme.id, ana, { done: 2 }).catch((error: Error) => error);
  await gate.reached();
  await gate.refuse();
  expect(await held).toBeInstanceOf(Error);
  expect(await gate.operation()).toMatchObject({ id: acme.id, done: 1, status: "running" });

  await expect(operations.take(acme.id, bob, false)).rejects.toThrow();
  await gate.forgetRunner();
  await operations.take(acme.id, bob, false);
  await gate[Symbol.asyncDispose]();
  await operations.report(acme.id, bob, { done: 2 });
  expect(await gate.operation()).toMatchObject({ done: 2 });
});

it("holds back that a step is undone, and not that it is done", async () => {
  const operations = operationsOf();
  const ana = { run: randomUUID(), name: "ana" };
  const gate = await StepGate.of({ query }, "initech");
  await gate.close("one", true);
  const steps = ["one", "two"];
  const { id } = await operations.begin("initech", {
    ...{ kind: "trial", request: {}, steps, abortable: 2, runner: ana },
  });
  for (const done of [1, 2]) await operations.report(id, ana, { done });
  await operations.take(id, ana, true);
  await operations.report(id, ana, { done: 1 });
  expect(await gate.isReached()).toBe(false);
  const held = operations.report(id, ana, { done: 0 });
  await gate.reached();
  expect(await gate.operation()).toMatchObject({ done: 1, status: "undoing" });
  await gate.open();
  await held;
  expect(await gate.operation()).toMatchObject({ done: 0 });
  await gate[Symbol.asyncDispose]();
});
