import { expect, test } from "vitest";
import { check } from "../../../../toolchain/providers/plugin/check.ts";
import { difference, inputsAfterRead } from "../../../../toolchain/providers/plugin/diff.ts";
import { notYetKnown, type Properties } from "../../../../toolchain/providers/plugin/properties.ts";
import { replaces, resource, updates } from "../../../../toolchain/providers/plugin/resource.ts";
import { carriedOver, planned } from "../../../../toolchain/providers/plugin/state.ts";
import { number, text } from "../../../../toolchain/providers/plugin/types.ts";

const box = resource<undefined>()({
  inputs: {
    name: replaces(text, { required: true }),
    image: replaces(text, { required: true }),
    host: replaces(text, { computed: true }),
    memory: updates(number),
    restart: updates(text, { default: "no" }),
  },
  outputs: ["address"],
  updated: ["address"],
  autonamed: true,
  create: async () => ({ id: "1", state: {} }),
  delete: async () => {},
});

const state = { name: "n", image: "i", host: "h", memory: 1, restart: "no", address: "a" };
const inputs = { name: "n", image: "i", memory: 1, restart: "no" };
const diff = (news: Properties, olds: Properties = state, ignored: string[] = []) =>
  difference(box, { olds, oldInputs: inputs, news, ignored });

test("nothing changes when the state fulfils the inputs, computed ones left out", () => {
  expect(diff(inputs)).toEqual({ changes: [], deleteBeforeReplace: false });
});

test("each change says what it does, what kind it is, and that the inputs caused it", () => {
  const { memory: _, ...without } = inputs;
  expect(diff({ ...without, image: "j", host: "k" }).changes).toEqual([
    { property: "image", change: "replace", kind: "update", fromInputs: true },
    { property: "host", change: "replace", kind: "update", fromInputs: true },
    { property: "memory", change: "update", kind: "delete", fromInputs: true },
  ]);
});

test("drift is a change that the inputs did not cause, and can be ignored", () => {
  const drifted = { ...state, restart: "always" };
  expect(diff(inputs, drifted).changes).toEqual([
    { property: "restart", change: "update", kind: "update", fromInputs: false },
  ]);
  expect(diff(inputs, drifted, ["restart"]).changes).toEqual([]);
});

test("an unknown input counts as a change, and as a replacement where a change would be one", () => {
  expect(
    diff({ ...inputs, image: notYetKnown, memory: notYetKnown }).changes.map(({ change }) => change),
  ).toEqual(["replace", "update"]);
});

test("the old goes first where both would have one name", () => {
  expect(diff({ ...inputs, image: "j" }).deleteBeforeReplace).toBe(true);
  expect(diff({ ...inputs, name: "m" }).deleteBeforeReplace).toBe(false);
  expect(diff({ ...inputs, memory: 2 }).deleteBeforeReplace).toBe(false);
});

test("a name of its own is kept from update to update, until the program gives one", async () => {
  const request = { name: "box", news: { image: "i" }, seed: new Uint8Array([1, 2, 3]) };
  const first = (await check(box, { ...request, oldInputs: {} })).inputs;
  expect(first).toEqual({
    name: expect.stringMatching(/^box-[0-9a-f]{7}$/),
    image: "i",
    restart: "no",
    __defaults: ["name", "restart"],
  });
  const other = { ...request, seed: new Uint8Array([4]) };
  expect((await check(box, { ...other, oldInputs: first })).inputs.name).toBe(first.name);
  const given = (await check(box, { ...other, news: { image: "i", name: "given" }, oldInputs: first }))
    .inputs;
  expect(given.name).toBe("given");
  expect((await check(box, { ...other, oldInputs: given })).inputs.name).not.toBe("given");
});

test("a refresh changes the inputs that were given and drifted; an import takes what there is", () => {
  const found = { ...state, memory: 2, host: "other" };
  expect(inputsAfterRead(box, { state, inputs }, found)).toEqual({ ...inputs, memory: 2 });
  expect(inputsAfterRead(box, { state: {}, inputs: {} }, found)).toEqual({
    ...inputs,
    memory: 2,
    host: "other",
  });
});

test("a preview knows what is given, and not what only the resource will tell", () => {
  expect(planned(box, inputs, box.outputs)).toEqual({ ...inputs, host: notYetKnown, address: notYetKnown });
  const carried = carriedOver(box, state, { name: "n", image: "i", restart: "no", __defaults: ["restart"] });
  expect(carried).toEqual({ name: "n", image: "i", restart: "no", host: "h", address: "a" });
});
