import { describe, expect, test } from "vitest";
import { batchesOf, culpritsIn, halves, type Sending } from "../../../sync-runtime/node/write-batch.ts";

const DIGEST = "00".repeat(32);
const row = (
  id: string,
  what: "delete" | "update" | "insert" = "update",
  text = "",
  table = "note",
): Sending => ({
  conflict: id,
  schema: DIGEST,
  write: {
    ...{ table, key: [{ text: id }] },
    before: what === "insert" ? null : DIGEST,
    ...(what === "delete"
      ? { after: null, afterDigest: null }
      : { after: { id: { text: id }, text: { text } }, afterDigest: DIGEST }),
  },
});
const ids = (batches: Sending[][]) => batches.map((batch) => batch.map(({ conflict }) => conflict).join(" "));
const refusal = (about: object) => ({ code: "constraint", message: "", remedy: "", ...about });

describe("rows in requests", () => {
  test("go before they come", () => {
    expect(ids(batchesOf([row("new", "insert"), row("changed"), row("gone", "delete")]))).toEqual([
      "gone changed new",
    ]);
  });

  test("are a thousand at most, and no more bytes than are taken", () => {
    const many = Array.from({ length: 2_500 }, (_, index) => row(String(index)));
    expect(batchesOf(many).map(({ length }) => length)).toEqual([1_000, 1_000, 500]);
    expect(
      ids(
        batchesOf(
          ["a", "b", "c"].map((id) => row(id, "update", "x".repeat(400))),
          1_500,
        ),
      ),
    ).toEqual(["a b", "c"]);
  });

  test("one that is too large for any is alone", () => {
    const large = row("large", "update", "x".repeat(5_000));
    expect(ids(batchesOf([row("a"), large, row("b")], 1_000))).toEqual(["a", "large", "b"]);
  });

  test("none are no request", () => {
    expect(batchesOf([])).toEqual([]);
  });
});

describe("a refusal", () => {
  const batch = [row("a"), row("b"), row("a", "update", "", "file")];

  test("is about the row it names", () => {
    const about = culpritsIn(batch, refusal({ table: "note", key: [{ text: "b" }] }));
    expect(about.map(({ conflict }) => conflict)).toEqual(["b"]);
  });

  test("is about all of a table that it names alone", () => {
    expect(culpritsIn(batch, refusal({ table: "note" }))).toEqual(batch.slice(0, 2));
  });

  test("is about nobody in particular where it names nothing that was sent, but of one row is about that", () => {
    expect(culpritsIn(batch, refusal({}))).toEqual([]);
    expect(culpritsIn(batch, undefined)).toEqual([]);
    expect(culpritsIn(batch, refusal({ table: "note", key: [{ text: "z" }] }))).toEqual([]);
    expect(culpritsIn(batch.slice(0, 1), undefined)).toEqual(batch.slice(0, 1));
  });

  test.each([
    [
      [1, 2, 3],
      [[1, 2], [3]],
    ],
    [
      [1, 2],
      [[1], [2]],
    ],
  ])("%j in halves is %j", (whole, parts) => {
    expect(halves(whole)).toEqual(parts);
  });
});
