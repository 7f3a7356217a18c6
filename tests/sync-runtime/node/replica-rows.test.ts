import { expect, test } from "vitest";
import { replicaRowsText } from "../../../sync-runtime/node/replica-rows.ts";

/** What is told of a cluster whose tenants are these. */
async function text(tenants: { tenant: string; tables: [string, number][] }[]): Promise<string> {
  const rows = async (_: string, [after, limit]: unknown[] = []) =>
    tables(tenants, after as string | null)
      .slice(0, limit as number)
      .map(({ tenant, tables }) => ({ tenant, tables: JSON.stringify(tables) }));
  const parts: string[] = [];
  for await (const part of replicaRowsText({ rows })) parts.push(part);
  return parts.join("");
}
const tables = (tenants: { tenant: string; tables: [string, number][] }[], after: string | null) =>
  tenants.filter(({ tenant }) => after === null || tenant > after);
const lines = (told: string) => told.split("\n").filter((line) => line.startsWith("replica_rows{"));

test("every table of every tenant has its line, however many tenants there are", async () => {
  const tenants = Array.from({ length: 250 }, (_, nth) => ({
    tenant: `tenant-${String(nth).padStart(3, "0")}`,
    tables: [["chat", nth] as [string, number], ["user", 2] as [string, number]],
  }));
  const told = await text(tenants);
  expect(lines(told)).toHaveLength(500);
  expect(told).toContain('replica_rows{client="tenant-100",table="chat"} 100\n');
  expect(told).toContain('replica_rows{client="tenant-249",table="user"} 2\n');
});

test("a table's name is text, whatever a tenant calls it", async () => {
  expect(lines(await text([{ tenant: "acme", tables: [['a"b\\c\nd', 1]] }]))).toEqual([
    'replica_rows{client="acme",table="a\\"b\\\\c\\nd"} 1',
  ]);
});

test("a cluster without tenants tells what it would tell", async () => {
  expect(await text([])).toBe(
    "\n# HELP replica_rows Rows in the replica when it was last verified\n# TYPE replica_rows gauge\n",
  );
});
