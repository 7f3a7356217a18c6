import { expect, test } from "vitest";
import { afterwards, progressText } from "../../../fleet/commands/restore.ts";
import type { LastUp } from "../../../toolchain/commands/invocation.ts";

const restored = {
  tenant: "acme",
  file: "/home/ada/acme.db",
  tables: 43,
  rows: 412,
  verified_at: "2026-11-21T12:00:00.000Z",
  identity: null,
  orphans: 0,
  missing: [],
  edits: 0,
};
const last = {
  fleet: { hosts: [{ id: "local", root: "/srv/fleet" }], tenants: [{ id: "acme", host: "local" }] },
} as unknown as LastUp;

test("a restore says how far it is, in rows of all tables", () => {
  const at = { table: "chat", rows: 1200, rows_total: 3400 };
  expect(progressText({ ...at, phase: "rows" })).toBe("1200 of 3400 rows written (chat)");
  expect(progressText({ ...at, phase: "proof" })).toBe("1200 of 3400 rows read back (chat)");
});

test("what was restored is told with what is not in it, and where the secret key lies", () => {
  expect(afterwards(restored, last)).toBe(
    `/home/ada/acme.db is the database of acme. Users sign in on it with the passwords they had.
Only with the secret key of before (/srv/fleet/tenants/acme/config/webui_secret_key) do their sessions go on and can what Open WebUI encrypted be read.
Uploaded files and vectors are in no replica: they come back from backups.`,
  );
});

test("what differs from the source is named, and so is what only looks like it", () => {
  const missing = [{ name: "found", why: "it was made empty" }];
  const said = afterwards({ ...restored, orphans: 2, missing, edits: 3 }, undefined);
  expect(said).toContain(
    "3 edits that others made in the replica are not in it: it holds what the source held.",
  );
  expect(said).toContain("2 rows refer to others that are not there, as they did in the source.");
  expect(said).toContain("Not as in the source: found: it was made empty.");
  expect(said).toContain("WEBUI_SECRET_KEY of the tenant");
});
