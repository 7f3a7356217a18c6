import { expect, test } from "vitest";
import { notYetKnown, type Properties } from "../../../../toolchain/providers/plugin/properties.ts";
import {
  choice,
  field,
  fieldFailures,
  fieldFulfils,
  flag,
  keptFields,
  list,
  map,
  number,
  object,
  set,
  text,
} from "../../../../toolchain/providers/plugin/types.ts";

const port = object({
  internal: field(number, { required: true }),
  external: field(number, { computed: true }),
  protocol: field(text, { default: "tcp" }),
});
const fields = {
  name: field(text, { required: true }),
  restart: field(choice("no", "always"), { default: "no" }),
  ports: field(set(port)),
  labels: field(map(text)),
} as never;

test("all failures of an input are told at once, each with its path", () => {
  const given = { restart: "never", ports: [{ protocol: 6 }], labels: { a: 1 }, gpus: "all" };
  expect(fieldFailures(fields, given)).toEqual([
    { property: "gpus", reason: "not supported by the stand-in: leave it out" },
    { property: "name", reason: "missing: it is required" },
    { property: "restart", reason: "expected one of no, always" },
    { property: "ports[0].internal", reason: "missing: it is required" },
    { property: "ports[0].protocol", reason: "expected a string, found number" },
    { property: "labels.a", reason: "expected a string, found number" },
  ]);
});

test("an unknown value fits any type", () => {
  const ports = [{ internal: notYetKnown } as Properties];
  const given = { name: notYetKnown, restart: notYetKnown, ports, labels: notYetKnown } as Properties;
  expect(fieldFailures(fields, given)).toEqual([]);
});

test("defaults are filled in at every depth, sets are put in order, nulls are left out", () => {
  const given: Properties = {
    name: "n",
    labels: null,
    ports: [{ internal: 90 }, { internal: 80, protocol: "udp" }],
  };
  expect(keptFields(fields, given)).toEqual({
    name: "n",
    restart: "no",
    ports: [
      { internal: 80, protocol: "udp" },
      { internal: 90, protocol: "tcp" },
    ],
  });
});

test.each([
  ["the same set in another order", set(text), ["b", "a"], ["a", "b"], true],
  ["a set with one element more", set(text), ["a", "b", "b"], ["a", "b"], false],
  ["the same list in another order", list(text), ["b", "a"], ["a", "b"], false],
  ["an empty list where nothing is", list(text), undefined, [], true],
  ["false where nothing is", flag, undefined, false, true],
  ["true where nothing is", flag, undefined, true, false],
  ["a map with a key less", map(text), { a: "1", b: "2" }, { a: "1" }, false],
  [
    "a port the engine chose",
    port,
    { internal: 80, external: 32768, protocol: "tcp" },
    { internal: 80 },
    true,
  ],
  ["a port of another protocol", port, { internal: 80, protocol: "udp" }, { internal: 80 }, false],
  ["an element that is not known yet", list(text), ["a"], [notYetKnown], false],
] as const)("%s: the state fulfils it %#", (_what, type, is, asked, expected) => {
  expect(type.fulfils(is as never, asked as never)).toBe(expected);
});

test("elements of a set are matched, not paired by order: what the engine adds to one does not confuse", () => {
  const mount = object({ target: field(text, { required: true }), readOnly: field(flag) });
  const is: Properties[] = [{ target: "/b", readOnly: false }, { target: "/a" }];
  expect(set(mount).fulfils(is, [{ target: "/a" }, { target: "/b" }])).toBe(true);
});

test("asking for nothing means empty, or, where the engine fills it in, anything", () => {
  expect(fieldFulfils(field(number) as never, 128, undefined)).toBe(false);
  expect(fieldFulfils(field(number) as never, 0, undefined)).toBe(true);
  expect(fieldFulfils(field(number, { computed: true }) as never, 128, undefined)).toBe(true);
  expect(fieldFulfils(field(number, { default: 60 }) as never, 60, undefined)).toBe(true);
});
