import { describe, expect, it } from "vitest";
import { locked } from "../../../toolchain/setup/lock.mjs";

describe("work that must not be done twice at once", () => {
  it("is done one after the other", async () => {
    const order: string[] = [];
    const work = (name: string) =>
      locked(
        "test-order",
        () => {},
        async () => {
          order.push(`${name} begins`);
          await new Promise((later) => setImmediate(later));
          order.push(`${name} ends`);
        },
      );
    await Promise.all([work("one"), work("two")]);
    expect([order.slice(0, 2), order.slice(2)].toSorted()).toEqual([
      ["one begins", "one ends"],
      ["two begins", "two ends"],
    ]);
  });

  it("says that it waits, and only while it does", async () => {
    const said: string[] = [];
    const [begun, waited] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const first = locked(
      "test-waiting",
      (text) => said.push(`first: ${text}`),
      async () => {
        begun.resolve();
        await waited.promise;
      },
    );
    await begun.promise;
    const second = locked(
      "test-waiting",
      (text) => {
        said.push(`second: ${text}`);
        waited.resolve();
      },
      async () => {},
    );
    await Promise.all([first, second]);
    expect(said).toEqual(["second: waiting for another run that is busy with the same"]);
  });

  it("leaves the lock free when it fails", async () => {
    const failing = locked(
      "test-failure",
      () => {},
      () => Promise.reject(new Error("broken")),
    );
    await expect(failing).rejects.toThrow("broken");
    await expect(
      locked(
        "test-failure",
        () => {},
        async () => "done",
      ),
    ).resolves.toBe("done");
  });
});
