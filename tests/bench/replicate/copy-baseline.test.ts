import { expect, test } from "vitest";
import { copyScript } from "../../../bench/replicate/copy-baseline.ts";

test("COPY gets tables of the replica's columns, large ones compressed alike, and takes its time around all of it", () => {
  const tables = [
    {
      name: "chat",
      columns: [
        { name: "id", type: "text" },
        { name: "pinned", type: "boolean" },
      ],
    },
    { name: 'odd "one"', columns: [{ name: "chat", type: "json" }] },
  ];
  expect(copyScript(tables, "binary")).toBe(`SELECT extract(epoch FROM clock_timestamp());
BEGIN;
CREATE TABLE "chat" ("id" text COMPRESSION lz4, "pinned" boolean);
CREATE TABLE "odd ""one""" ("chat" json COMPRESSION lz4);
\\copy "chat" ("id", "pinned") FROM '/bench/0.binary' (FORMAT binary)
\\copy "odd ""one""" ("chat") FROM '/bench/1.binary' (FORMAT binary)
COMMIT;
SELECT extract(epoch FROM clock_timestamp());
`);
});
