import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readMigrations } from "../../../sync-runtime/database/migrator.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "migrations-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (...names: string[]) => {
  for (const name of names) writeFileSync(join(folder, `${name}.sql`), "SELECT 1;\n");
};

test("the steps are numbered from 1 without a gap", () => {
  expect(readMigrations().map(({ version }) => version)).toEqual(
    readMigrations().map((_, index) => index + 1),
  );
});

test("a number that two steps have is refused", () => {
  write("0001-one", "0002-two", "0002-another");
  expect(() => readMigrations(folder)).toThrow(
    "Migration 0002-two.sql should have the number 3: number them without gaps.",
  );
});

test("a number that is missing is refused", () => {
  write("0001-one", "0003-three");
  expect(() => readMigrations(folder)).toThrow(
    "Migration 0003-three.sql should have the number 2: number them without gaps.",
  );
});
