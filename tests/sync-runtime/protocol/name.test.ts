import { expect, it } from "vitest";
import { nameProblem } from "../../../sync-runtime/protocol/name.ts";

it.each(["user", "group", 'a"b', "é", "x".repeat(63), "DROP TABLE x;--", "replica_of", " "])(
  "a replica can hold the name %j",
  (name) => {
    expect(nameProblem(name)).toBeUndefined();
  },
);

it.each([
  ["", "it is empty"],
  ["x".repeat(64), "it is longer than 63 bytes"],
  ["é".repeat(32), "it is longer than 63 bytes"],
  ["a\0b", "it holds a NUL"],
  ["a\ufffd", "it is not valid UTF-8"],
  ["a\ud800", "it is not valid UTF-8"],
  ["_replica_odd", "names beginning with _replica_ are reserved"],
  ["_REPLICA_x", "names beginning with _replica_ are reserved"],
])("a replica cannot hold the name %j: %s", (name, problem) => {
  expect(nameProblem(name)).toBe(problem);
});
