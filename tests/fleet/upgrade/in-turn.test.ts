import { describe, expect, it } from "vitest";
import { inTurn } from "../../../fleet/upgrade/in-turn.ts";

const all = ["a", "b", "c", "d", "e", "f"];
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Works that end when they are told to; `begun` has those that were begun. */
function works() {
  const begun: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  const work = (one: string) =>
    new Promise<void>((resolve, reject) => {
      begun.push(one);
      ends.set(one, (error) => (error ? reject(error) : resolve()));
    });
  const end = async (one: string, error?: Error) => {
    ends.get(one)?.(error);
    await settled();
  };
  return { begun, work, end };
}

describe("working on many in turn", () => {
  it("begins with the canary alone, then so many at once", async () => {
    const { begun, work, end } = works();
    const turns = inTurn(all, { canary: 1, parallel: 3 }, work);
    await settled();
    expect(begun).toEqual(["a"]);
    await end("a");
    expect(begun).toEqual(["a", "b", "c", "d"]);
    await end("c");
    expect(begun).toEqual(["a", "b", "c", "d", "e"]);
    for (const one of all) await end(one);
    await end("f");
    expect((await turns).done.sort()).toEqual(all);
  });

  it("begins nothing behind a canary that fails", async () => {
    const { begun, work, end } = works();
    const turns = inTurn(all, { canary: 1, parallel: 3 }, work);
    await end("a", new Error("it lost rows"));
    expect(begun).toEqual(["a"]);
    expect(await turns).toEqual({
      ...{ done: [], left: ["b", "c", "d", "e", "f"] },
      failed: [{ one: "a", error: new Error("it lost rows") }],
    });
  });

  it("lets those end that were begun beside one that fails", async () => {
    const { begun, work, end } = works();
    const turns = inTurn(all, { canary: 0, parallel: 2 }, work);
    await end("a", new Error("no"));
    await end("b");
    expect(begun).toEqual(["a", "b"]);
    expect(await turns).toMatchObject({ done: ["b"], failed: [{ one: "a" }], left: ["c", "d", "e", "f"] });
  });

  it("is content with fewer than it may have at once, and with none", async () => {
    expect((await inTurn(["a"], { canary: 5, parallel: 9 }, async () => {})).done).toEqual(["a"]);
    expect((await inTurn([], { canary: 1, parallel: 3 }, async () => {})).done).toEqual([]);
  });
});
