import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { BusyError } from "../../../fleet/exit-code.ts";
import { type Operation, Operations } from "../../../fleet/saga/operation.ts";
import {
  begin,
  OperationError,
  type Saga,
  type SagaStep,
  TakeBackError,
  type Workshop,
  work,
} from "../../../fleet/saga/saga.ts";
import { RefusedError } from "../../../toolchain/commands/node-api.ts";
import { Steps } from "../../../toolchain/setup/steps.mjs";
import { intentOf, RIVAL, TestDatabase } from "../../support/postgres.ts";
import { ApiPair } from "../../sync-runtime/node/api/api-pair.ts";

let database: TestDatabase;
let pair: ApiPair;

beforeAll(async () => {
  database = await TestDatabase.create();
  await database.apply(RIVAL);
  await database.apply(intentOf(["acme", "globex"]));
  pair = new ApiPair(database);
});
afterAll(async () => {
  await pair?.[Symbol.asyncDispose]();
  await database?.drop();
});
beforeEach(() => database.queryAlone("TRUNCATE sync_metadata.operations"));

/** The record that two nodes keep, each asked by turns. */
let turn = 0;
const operations = new Operations(async (method, path, { body, key } = {}) => {
  turn += 1;
  const { status, json } = await pair.ask((turn % 2) as 0 | 1, method, path, {
    ...(body === undefined ? {} : { body: body as object }),
    ...(key === undefined ? {} : { key }),
  });
  if (status < 300) return json;
  throw new RefusedError(json.detail, json.type.replace("urn:owui:problem:", ""));
});

/** A process that works on operations. */
const shop = (more: Partial<Workshop> = {}): Workshop => ({
  invocation: { stack: "test" },
  operations,
  runner: { run: randomUUID(), name: "ana at ops, process 7" },
  screen: new Steps({ write: () => true }),
  interrupted: new AbortController().signal,
  ...more,
});

/** A saga of three steps, of which two can be aborted; `did` has what was done, in order. */
function trial(did: string[], at: Record<string, () => unknown> = {}): Saga {
  return {
    kind: "trial",
    abortable: 2,
    steps: ["one", "two", "three"].map((name) => ({
      name,
      run: async ({ found }) => {
        did.push(name);
        await at[name]?.();
        return { [name]: Object.keys(found).length };
      },
      undo: async () => {
        did.push(`un-${name}`);
        await at[`un-${name}`]?.();
      },
    })),
  };
}

const silent = (id: string) =>
  database.queryAlone(
    "UPDATE sync_metadata.operations SET held_until = now() - interval '1 s' WHERE id = $1",
    [id],
  );
const failing = () => {
  throw new Error("the disk is full");
};

describe("a long operation", () => {
  it("does its steps in their order, hands on what they found, and is recorded as done", async () => {
    const did: string[] = [];
    const own = shop();
    const begun = await begin(trial(did), "acme", { to: "/backups" }, own);
    expect(await work(trial(did), begun, own)).toBe("done");
    expect(did).toEqual(["one", "two", "three"]);
    expect(await operations.get(begun.id)).toMatchObject({
      ...{ client: "acme", kind: "trial", status: "done", done: 3, by: "ana", held: false },
      ...{ request: { to: "/backups" }, found: { one: 0, two: 1, three: 2 }, error: null },
      ended_at: expect.any(String),
    });
  });

  it("keeps others from its tenant and from no other one, and says who has it", async () => {
    const begun = await begin(trial([]), "acme", {}, shop());
    const second = begin(trial([]), "acme", {}, shop());
    await expect(second).rejects.toThrow(BusyError);
    await expect(second).rejects.toThrow(
      new RegExp(
        `works on acme: trial ${begun.id}, running at step 1 of 3 \\(one\\).*ana at ops, process 7 works on it`,
      ),
    );
    await begin(trial([]), "globex", {}, shop());
    await expect(begin(trial([]), "rival", {}, shop())).rejects.toThrow(/no tenant rival/);
  });

  it("is begun once of twenty at once", async () => {
    const all = await Promise.allSettled(
      Array.from({ length: 20 }, () => begin(trial([]), "acme", {}, shop())),
    );
    expect(all.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  it("stops at a step that fails, keeps its tenant, and goes on from there when it is taken on", async () => {
    const did: string[] = [];
    const own = shop();
    const begun = await begin(trial(did), "acme", {}, own);
    const failed = work(trial(did, { two: failing }), begun, own);
    await expect(failed).rejects.toThrow(OperationError);
    await expect(failed).rejects.toThrow(/stopped at two: the disk is full[\s\S]*resume \d+[\s\S]*abort \d+/);
    expect(await operations.get(begun.id)).toMatchObject({
      status: "stopped",
      done: 1,
      error: "the disk is full",
    });
    await expect(begin(trial([]), "acme", {}, shop())).rejects.toThrow(
      /stopped at step 2 of 3.*nobody works on it/,
    );
    const other = shop();
    expect(await work(trial(did), await operations.take(begun.id, other.runner, false), other)).toBe("done");
    expect(did).toEqual(["one", "two", "two", "three"]);
    expect((await operations.get(begun.id)).error).toBeNull();
  });

  it("whose runner died is taken on once its time is over, and not before", async () => {
    const begun = await begin(trial([]), "acme", {}, shop());
    const other = shop();
    await expect(operations.take(begun.id, other.runner, false)).rejects.toThrow(/Somebody has operation/);
    await silent(begun.id);
    expect((await operations.take(begun.id, other.runner, false)).held).toBe(true);
  });

  it("that was taken on is its former runner's no more: that one does no further step and records nothing", async () => {
    const did: string[] = [];
    const [asleep, awake] = [shop(), shop()];
    const begun = await begin(trial(did), "acme", {}, asleep);
    const woken = work(
      trial(did, {
        one: async () => {
          await silent(begun.id);
          await operations.take(begun.id, awake.runner, false);
        },
      }),
      begun,
      asleep,
    );
    await expect(woken).rejects.toThrow(/is not this run's any more/);
    expect(did).toEqual(["one"]);
    expect(await operations.get(begun.id)).toMatchObject({
      status: "running",
      done: 0,
      found: {},
      held: true,
    });
  });

  it("learns while a step is under way that it was lost, and ends that step", async () => {
    const asleep = shop({ beatMs: 20 });
    const saga: Saga = {
      kind: "trial",
      abortable: 1,
      steps: [
        {
          name: "long",
          run: async ({ signal }) => {
            await database.queryAlone(
              "UPDATE sync_metadata.operations SET runner = gen_random_uuid() WHERE id = $1",
              [begun.id],
            );
            signal.throwIfAborted();
            await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
            return undefined;
          },
        },
      ],
    };
    const begun: Operation = await begin(saga, "acme", {}, asleep);
    await expect(work(saga, begun, asleep)).rejects.toThrow(/is not this run's any more/);
    expect((await operations.get(begun.id)).status).toBe("running");
  });

  it("is undone from its last step to its first when somebody aborts it, the unrecorded step among them", async () => {
    const did: string[] = [];
    const own = shop();
    const begun = await begin(trial(did), "acme", {}, own);
    const ended = work(trial(did, { two: () => operations.abort(begun.id) }), begun, own);
    expect(await ended).toBe("aborted");
    expect(did).toEqual(["one", "two", "un-three", "un-two", "un-one"]);
    expect(await operations.get(begun.id)).toMatchObject({
      status: "aborted",
      done: 0,
      abort_asked_by: "ana",
    });
    await begin(trial([]), "acme", {}, shop());
  });

  it.each([
    ["two", ["one", "two", "un-three", "un-two", "un-one"]],
    ["three", ["one", "two", "three", "un-three", "un-two", "un-one"]],
  ])(
    "is undone although %s, the last step in which it could be aborted, has ended since",
    async (last, all) => {
      const did: string[] = [];
      const own = shop();
      const saga = trial(did, { [last]: () => operations.abort(begun.id) });
      saga.abortable = saga.steps.findIndex(({ name }) => name === last);
      const begun = await begin(saga, "acme", {}, own);
      expect(await work(saga, begun, own)).toBe("aborted");
      expect(did).toEqual(all);
    },
  );

  it("is undone by whoever takes it on behind that, too", async () => {
    const did: string[] = [];
    const own = shop();
    const saga = { ...trial(did), abortable: 1 };
    const begun = await begin(saga, "acme", {}, own);
    await operations.report(begun.id, own.runner, { done: 1 });
    await operations.abort(begun.id);
    await operations.report(begun.id, own.runner, { done: 2 });
    await silent(begun.id);
    const other = shop();
    expect(await work(saga, await operations.take(begun.id, other.runner, true), other)).toBe("aborted");
    expect(did).toEqual(["un-three", "un-two", "un-one"]);
  });

  it("cannot be aborted behind its last abortable step, only finished", async () => {
    const own = shop();
    const begun = await begin(trial([]), "acme", {}, own);
    const late = () => expect(operations.abort(begun.id)).rejects.toThrow(/past where it can be aborted/);
    await operations.report(begun.id, own.runner, { done: 3 });
    await late();
    await silent(begun.id);
    await expect(operations.take(begun.id, own.runner, true)).rejects.toThrow(/past where it can be aborted/);
    expect(await work(trial([]), await operations.take(begun.id, own.runner, false), own)).toBe("done");
  });

  it("that is being undone is undone to its end, by whoever takes it on, and goes forward no more", async () => {
    const did: string[] = [];
    const own = shop();
    const begun = await begin(trial(did), "acme", {}, own);
    const broken = work(trial(did, { two: () => operations.abort(begun.id), "un-two": failing }), begun, own);
    await expect(broken).rejects.toThrow(/the disk is full[\s\S]*remedy: [^\n]*abort \d+$/);
    const other = shop();
    await expect(operations.take(begun.id, other.runner, false)).rejects.toThrow(/can only be undone/);
    did.length = 0;
    expect(await work(trial(did), await operations.take(begun.id, other.runner, true), other)).toBe(
      "aborted",
    );
    expect(did).toEqual(["un-three", "un-two", "un-one"].slice(-did.length));
    expect(did).toContain("un-two");
  });

  it("waits before a step that begins at a word alone: it can be aborted meanwhile, and goes on at that word", async () => {
    const waiting = (did: string[]): Saga => {
      const saga = trial(did);
      const [one, two, three] = saga.steps as [SagaStep, SagaStep, SagaStep];
      return {
        ...saga,
        steps: [one, two, { ...three, waits: ({ client }) => `${client} waits for your word` }],
      };
    };
    const did: string[] = [];
    const own = shop();
    const first = await begin(waiting(did), "acme", {}, own);
    expect(await work(waiting(did), first, own)).toBe("waits");
    expect(did).toEqual(["one", "two"]);
    const stands = await operations.get(first.id);
    expect(stands).toMatchObject({ status: "stopped", done: 2, error: "acme waits for your word" });
    // Whoever only goes on with it does not say the word.
    const again = shop();
    expect(await work(waiting(did), await operations.take(first.id, again.runner, false), again)).toBe(
      "waits",
    );
    const last = shop({ word: true });
    expect(await work(waiting(did), await operations.take(first.id, last.runner, false), last)).toBe("done");
    expect(did).toEqual(["one", "two", "three"]);

    const undone: string[] = [];
    const other = shop();
    const second = await begin(waiting(undone), "acme", {}, other);
    await work(waiting(undone), second, other);
    const back = shop();
    expect(await work(waiting(undone), await operations.take(second.id, back.runner, true), back)).toBe(
      "aborted",
    );
    expect(undone).toEqual(["one", "two", "un-three", "un-two", "un-one"]);
  });

  it("is taken back at once where a step finds that it cannot be, and keeps why", async () => {
    const did: string[] = [];
    const own = shop();
    const begun = await begin(trial(did), "acme", {}, own);
    const refusing = () => {
      throw new TakeBackError("the new version lost rows");
    };
    const ended = work(trial(did, { two: refusing }), begun, own);
    await expect(ended).rejects.toThrow(OperationError);
    await expect(ended).rejects.toThrow(/was taken back: the new version lost rows/);
    expect(did).toEqual(["one", "two", "un-two", "un-one"]);
    expect(await operations.get(begun.id)).toMatchObject({
      ...{ status: "aborted", done: 0, error: "the new version lost rows", abort_asked_by: "ana" },
    });
    await begin(trial([]), "acme", {}, shop());
  });

  it("is only stopped by the same behind its last abortable step", async () => {
    const did: string[] = [];
    const own = shop();
    const late = {
      ...trial(did, { two: () => Promise.reject(new TakeBackError("too late")) }),
      abortable: 0,
    };
    await expect(work(late, await begin(late, "acme", {}, own), own)).rejects.toThrow(
      /stopped at two: too late/,
    );
    expect(did).toEqual(["one", "two"]);
  });

  it("is stopped, not lost, when its runner is interrupted", async () => {
    const interrupted = new AbortController();
    const own = shop({ interrupted: interrupted.signal });
    const begun = await begin(trial([]), "acme", {}, own);
    const ended = work(trial([], { one: () => interrupted.abort(new Error("Ctrl-C")) }), begun, own);
    await expect(ended).rejects.toThrow(/it was interrupted/);
    expect(await operations.get(begun.id)).toMatchObject({ status: "stopped", done: 1 });
  });

  it("of another version, with other steps, is not touched", async () => {
    const did: string[] = [];
    const own = shop();
    const begun = await begin(trial([]), "acme", {}, own);
    const other = { ...trial(did), steps: trial(did).steps.slice(1) };
    await expect(work(other, begun, own)).rejects.toThrow(/begun by another version/);
    expect(did).toEqual([]);
  });

  it("cannot be recorded as what it is not, and what has ended changes no more", async () => {
    const own = shop();
    const begun = await begin(trial([]), "acme", {}, own);
    for (const wrong of [{ done: 4 }, { outcome: "done" }, { outcome: "aborted" }] as const)
      await expect(operations.report(begun.id, own.runner, wrong)).rejects.toMatchObject({
        kind: "impossible-report",
      });
    expect(await work(trial([]), begun, own)).toBe("done");
    for (const late of [
      () => operations.report(begun.id, own.runner, { done: 1 }),
      () => operations.take(begun.id, own.runner, false),
      () => operations.abort(begun.id),
    ])
      await expect(late()).rejects.toMatchObject({ kind: "not-to-be-had" });
    const change = "UPDATE sync_metadata.operations SET done = 0 WHERE id = $1";
    await expect(database.queryAlone(change, [begun.id])).rejects.toThrow(/has ended/);
  });

  it("is listed newest first, one tenant's or those that have not ended", async () => {
    const own = shop();
    const [first, second] = [
      await begin(trial([]), "acme", {}, own),
      await begin(trial([]), "globex", {}, own),
    ];
    await work(trial([]), first, own);
    const ids = async (...filter: Parameters<Operations["list"]>) =>
      (await operations.list(...filter)).map(({ id }) => id);
    expect(await ids()).toEqual([second.id, first.id]);
    expect(await ids({ client: "acme" })).toEqual([first.id]);
    expect(await ids({ open: true })).toEqual([second.id]);
  });
});
