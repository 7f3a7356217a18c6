import { describe, expect, it } from "vitest";
import { Slots } from "../../../sync-runtime/host/slots.ts";

const never = new AbortController().signal;

/** Whether a promise has settled by now. */
const isSettled = (promise: Promise<unknown>) =>
  Promise.race([
    promise.then(
      () => true,
      () => true,
    ),
    new Promise((resolve) => setImmediate(resolve, false)),
  ]);

describe("slots", () => {
  it("let in as many as there are, and the next one when one leaves", async () => {
    const slots = new Slots(2);
    const first = await slots.take(never);
    await slots.take(never);
    const third = slots.take(never);
    expect(await isSettled(third)).toBe(false);
    first[Symbol.dispose]();
    expect(await isSettled(third)).toBe(true);
  });

  it("let in those who wait in their order", async () => {
    const slots = new Slots(1);
    const holder = await slots.take(never);
    const order: string[] = [];
    const wait = async (name: string) => {
      using _slot = await slots.take(never);
      order.push(name);
    };
    const waiting = [wait("b"), wait("c"), wait("d")];
    holder[Symbol.dispose]();
    await Promise.all(waiting);
    expect(order).toEqual(["b", "c", "d"]);
  });

  it("forget who gave up waiting", async () => {
    const slots = new Slots(1);
    const holder = await slots.take(never);
    const gone = new AbortController();
    const left = slots.take(gone.signal);
    const stays = slots.take(never);
    gone.abort(new Error("left"));
    await expect(left).rejects.toThrow("left");
    holder[Symbol.dispose]();
    expect(await isSettled(stays)).toBe(true);
  });

  it("are not taken by somebody who has left already", async () => {
    const slots = new Slots(1);
    await expect(slots.take(AbortSignal.abort(new Error("left")))).rejects.toThrow("left");
    expect(await isSettled(slots.take(never))).toBe(true);
  });
});
