import { expect, it } from "vitest";
import { contradictionIn } from "../../../sync-runtime/writer/request-body.ts";

const row = { table: "chat", key: [{ text: "c1" }], before: "00", after: null, afterDigest: null };
const schema = { chat: "00" };

it.each([
  ["one row", { schema, rows: [row] }, undefined],
  ["keys that only look alike", { schema, rows: [row, { ...row, key: [{ blob: "YzE=" }] }] }, undefined],
  [
    "keys that differ in their second part",
    { schema, rows: [row, { ...row, key: [...row.key, null] }] },
    undefined,
  ],
  [
    "the same key in another spelling",
    { schema, rows: [row, { ...row, key: [{ textBytes: "YzE=" }] }] },
    "The request has a row of chat twice.",
  ],
  [
    "a row of a table it does not describe",
    { schema, rows: [{ ...row, table: "toString" }] },
    "The request has rows of toString and does not say how that table is made.",
  ],
])("a request with %s", (_, request, problem) => {
  expect(contradictionIn(request)).toBe(problem);
});
