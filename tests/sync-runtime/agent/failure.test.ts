import { expect, it } from "vitest";
import { failureOf } from "../../../sync-runtime/agent/reader/failure.ts";
import { TenantError, tenantErrorOf } from "../../../sync-runtime/host/tenant-error.ts";

const sqlite = (errcode: number) =>
  Object.assign(new Error("what SQLite says"), { code: "ERR_SQLITE_ERROR", errcode });

it.each<[string, unknown, string]>([
  ["a tenant's error", new TenantError("database-moved", "It moved."), "database-moved"],
  ["SQLITE_BUSY", sqlite(5), "database-busy"],
  ["SQLITE_BUSY_RECOVERY", sqlite(261), "database-busy"],
  ["SQLITE_READONLY_ROLLBACK", sqlite(776), "journal-hot"],
  ["SQLITE_CORRUPT_VTAB", sqlite(267), "database-damaged"],
  ["SQLITE_NOTADB", sqlite(26), "database-damaged"],
  ["SQLITE_TOOBIG", sqlite(18), "row-too-large"],
  ["SQLITE_NOMEM", sqlite(7), "reader-failed"],
  ["a full disk", Object.assign(new Error(), { code: "ENOSPC" }), "spool-full"],
  ["an error of our own", new TypeError("x is not a function"), "reader-failed"],
])("%s is told as %s", (_, error, code) => {
  const failure = failureOf(error);
  expect(failure.code).toBe(code);
  expect(failure.message).toMatch(/\.$/);
});

it("a disk of the agent's that is full is the tenant's error, and what is nobody's is not", () => {
  const full = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
  expect(tenantErrorOf(full)).toMatchObject({ code: "spool-full", cause: full });
  const known = new TenantError("database-moved", "It moved.");
  expect(tenantErrorOf(known)).toBe(known);
  expect(() => tenantErrorOf(new TypeError("x is not a function"))).toThrow("x is not a function");
});
