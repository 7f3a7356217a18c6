import { expect, test } from "vitest";
import { loadCommand, summaryOf } from "../../../bench/replicate/pgloader.ts";

const printed = `2026-11-21T17:27:32.424000Z LOG report summary reset
             table name     errors       rows      bytes      total time
-----------------------  ---------  ---------  ---------  --------------
                  fetch          0          0                     0.000s
          Create tables          0         86                     0.204s
-----------------------  ---------  ---------  ---------  --------------
           access_grant          0          5     1.3 kB          0.092s
                   chat          3       2200    52.0 MB          2.856s
                "group"          0          0                     0.010s
-----------------------  ---------  ---------  ---------  --------------
COPY Threads Completion          0          4                     2.884s
      Total import time          ✓       2205    52.1 MB          2.888s
`;

test("a summary counts the rows and errors of the tables, and nothing else", () => {
  expect(summaryOf(printed)).toEqual({ rows: 2205, errors: 3 });
  expect(summaryOf("A fatal error was signalled")).toEqual({ rows: 0, errors: 0 });
});

test("pgloader is told where from, where to, and to leave out what a replica leaves out", () => {
  const target = { host: "10.0.0.2", port: 5432, database: "beside", user: "postgres", password: "secret" };
  expect(loadCommand("/tmp/a.db", target, "lz4")).toBe(`LOAD DATABASE
  FROM sqlite:///tmp/a.db
  INTO postgresql://postgres:secret@10.0.0.2:5432/beside
  WITH create tables, create no indexes, no foreign keys, reset no sequences,
    batch rows = 1000, batch size = 5MB, prefetch rows = 100
  SET default_toast_compression TO 'lz4';
`);
});
