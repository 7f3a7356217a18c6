import { expect, test } from "vitest";
import { RowsProcessed } from "../../../sync-runtime/node/rows-processed.ts";

const linesOf = (rows: RowsProcessed) =>
  [...rows.text()]
    .join("")
    .split("\n")
    .filter((line) => line.startsWith("sync_rows"));

test("rows are counted by tenant and table, and a table's name is text", () => {
  const rows = new RowsProcessed();
  rows.add("acme", "chat", 2);
  rows.add("acme", "chat", 3);
  rows.add("globex", "chat", 1);
  rows.add("acme", 'a"b\\c\nd', 1);
  expect(linesOf(rows)).toEqual([
    'sync_rows_processed_total{client="acme",table="chat"} 5',
    'sync_rows_processed_total{client="acme",table="a\\"b\\\\c\\nd"} 1',
    'sync_rows_processed_total{client="globex",table="chat"} 1',
  ]);
});

test("every tenant is told, however many there are, and its head comes once", () => {
  const rows = new RowsProcessed();
  for (let tenant = 0; tenant < 250; tenant++)
    for (const table of ["chat", "user"]) rows.add(`tenant-${tenant}`, table, tenant);
  expect(linesOf(rows)).toHaveLength(500);
  expect([...rows.text()].join("").match(/^# TYPE sync_rows_processed_total counter$/gm)).toHaveLength(1);
});

test("nothing counted yet is a head alone", () => {
  expect([...new RowsProcessed().text()].join("")).toBe(
    "\n# HELP sync_rows_processed_total Rows received from the agent and compared with the replica\n" +
      "# TYPE sync_rows_processed_total counter\n",
  );
});
