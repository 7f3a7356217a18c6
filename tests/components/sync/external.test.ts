import { readFileSync, rmSync } from "node:fs";
import { expect, test } from "vitest";
import { adminRole, authorityFile, userOf } from "../../../components/sync/external.ts";

test.each([
  ["postgres", "postgres", "sync_main"],
  ["postgres.abcdefgh", "postgres", "sync_main.abcdefgh"],
  ["doadmin", "doadmin", "sync_main"],
  ["admin.project.region", "admin", "sync_main.project.region"],
])("%s is the role %s, and a node signs in as %s", (user, role, login) => {
  expect(adminRole(user)).toBe(role);
  expect(userOf(user, "sync_main")).toBe(login);
});

test("an authority in the config is written to a file that every checkout calls the same", () => {
  expect(authorityFile("test", { pem: "certificate", file: "certificates/a.crt" })).toBe(
    "certificates/a.crt",
  );
  const written = authorityFile("authority-test", { pem: "certificate" });
  expect(written).toBe(".build/authority-test/database-ca.crt");
  expect(readFileSync(written, "utf8")).toBe("certificate");
  rmSync(".build/authority-test", { recursive: true });
});
