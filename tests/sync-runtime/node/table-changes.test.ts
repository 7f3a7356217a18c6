import { expect, test } from "vitest";
import { tableChanges } from "../../../sync-runtime/node/table-changes.ts";

const measured = (name: string, rows: number, recorded?: number) => ({
  ...{ name, rows, sum: "", unrepresentable: 0 },
  recorded: recorded === undefined ? undefined : { rows: recorded, sum: "" },
});
const came = (table: string, tombstoned: number, keyed = true) => ({
  ...{ table, rows: 0, retired: tombstoned, tombstoned, keyed },
});
const nobody = () => false;

test("rows vanish by their key, also when as many others came", () => {
  const loaded = { tables: [measured("chat", 100, 100)], received: [came("chat", 80)], retired: [] };
  expect(tableChanges(loaded, nobody)).toEqual([{ table: "chat", held: 100, holds: 100, vanished: 80 }]);
});

test("without a key only what the table shrinks by counts", () => {
  const tables = [measured("log", 100, 100), measured("less", 40, 100), measured("more", 120, 100)];
  const received = tables.map(({ name }) => came(name, 100, false));
  expect(tableChanges({ tables, received, retired: [] }, nobody).map(({ vanished }) => vanished)).toEqual([
    0, 60, 0,
  ]);
});

test("so it is in a table that somebody altered: what goes may be what they wrote", () => {
  const loaded = { tables: [measured("chat", 50, 50)], received: [came("chat", 100)], retired: [] };
  expect(tableChanges(loaded, (table) => table === "chat")[0]).toMatchObject({ held: 50, vanished: 0 });
});

test("a table of which nothing came lost nothing, and one never verified has nothing to lose", () => {
  const loaded = { tables: [measured("still", 7, 7), measured("new", 9)], received: [], retired: [] };
  expect(tableChanges(loaded, nobody)).toEqual([{ table: "still", held: 7, holds: 7, vanished: 0 }]);
});

test("a dropped table lost all it had", () => {
  const loaded = { tables: [], received: [], retired: [{ table: "old", tombstoned: 12 }] };
  expect(tableChanges(loaded, nobody)).toEqual([
    { table: "old", held: 12, holds: 0, vanished: 12, dropped: true },
  ]);
});
