import { describe, expect, test } from "vitest";
import { FieldDiff } from "../../../../sync-runtime/node/conflict/field-diff.ts";

/** A row of conflict-fields.sql: a field that was changed in the replica. */
const row = (base: string | null, source: string | null, remote: string | null, changed: object = {}) => ({
  ...{ column: "meta", type: "json", hidden: false, by_source: false, by_remote: true, whole: true },
  ...{ base, source, remote, result: null },
  base_size: base?.length ?? null,
  source_size: source?.length ?? null,
  remote_size: remote?.length ?? null,
  result_size: null,
  ...changed,
});

describe("a field in conflict", () => {
  test("says who changed it, and shows every version there is", () => {
    expect(FieldDiff.parse(row("a", "b", "c", { type: "text", column: "title", by_source: true }))).toEqual({
      ...{ column: "title", type: "text", hidden: false, changed_by: ["source", "remote"] },
      base: { text: "a", size: 1 },
      source: { text: "b", size: 1 },
      remote: { text: "c", size: 1 },
      result: null,
    });
  });

  test("is cut where it is long, with its whole size", () => {
    const { remote } = FieldDiff.parse(
      row(null, null, "x".repeat(500), { type: "text", remote_size: 36_000_000 }),
    );
    expect(remote).toEqual({ text: "x".repeat(500), size: 36_000_000 });
    const long = FieldDiff.parse(row("{}", "{}", `{"a":"${"😀".repeat(400)}"}`));
    expect(long.remote?.text).toHaveLength(500);
    expect(long.remote?.text.isWellFormed()).toBe(true);
    expect(long.paths?.[0]?.remote?.text.length).toBeLessThanOrEqual(500);
  });

  test("is compared by path where it is a document", () => {
    expect(FieldDiff.parse(row('{"a":1}', '{"a":1}', '{"a":2}')).paths).toEqual([
      {
        path: "a",
        base: { text: "1", size: 1 },
        source: { text: "1", size: 1 },
        remote: { text: "2", size: 1 },
        result: null,
      },
    ]);
  });

  test.each([
    ["it did not come whole", row("{}", "{}", '{"a":', { whole: false })],
    ["it is no JSON", row("{}", "{}", "not JSON")],
    ["one of the rows is not there", row("{}", null, '{"a":1}')],
    ["it is a text", row("{}", "{}", '{"a":1}', { type: "text" })],
  ])("is not, where %s", (_, given) => {
    expect(FieldDiff.parse(given)).not.toHaveProperty("paths");
  });

  test("with credentials shows nothing of them, whatever Postgres gave", () => {
    const given = row('{"key":"sk-1"}', '{"key":"sk-1"}', '{"key":"sk-2"}', {
      hidden: true,
      column: "value",
    });
    const field = FieldDiff.parse(given);
    expect(field).toMatchObject({ hidden: true, base: null, source: null, remote: null, result: null });
    expect(JSON.stringify(field)).not.toContain("sk-");
  });
});
