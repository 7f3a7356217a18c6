import { describe, expect, test } from "vitest";
import { targetUrl } from "../../../fleet/commands/promote.ts";
import { promotionText } from "../../../fleet/commands/promotion-text.ts";
import { schemaArgv, schemaVariables } from "../../../fleet/commands/strict-schema.ts";
import type { Promotion } from "../../../sync-runtime/promote/report.ts";

describe("the target", () => {
  test("is the URL of a database, as Open WebUI's driver writes it", () => {
    expect(targetUrl("postgres://me:pw@db.example:5432/chat?sslmode=require", undefined)).toBe(
      "postgresql://me:pw@db.example:5432/chat?sslmode=require",
    );
  });

  test("takes its password from the environment where it has none", () => {
    expect(targetUrl("postgres://me@db/chat", "p@ss'w")).toBe("postgresql://me:p%40ss'w@db/chat");
    expect(targetUrl("postgres://me:own@db/chat", "other")).toBe("postgresql://me:own@db/chat");
  });

  test.each(["chat.db", "mysql://db/chat", "postgres://db", "postgres:///chat"])("is not %s", (given) => {
    expect(() => targetUrl(given, undefined)).toThrow("The target of --to is not the URL of a database.");
  });
});

describe("making the schema", () => {
  test("runs the tenant's own image without any right and without a secret in its arguments", () => {
    const argv = schemaArgv({
      ...{ stack: "prod", tenant: "acme", image: "ghcr.io/open-webui/open-webui:v0.11.3" },
    });
    expect(argv).toContain("ghcr.io/open-webui/open-webui:v0.11.3");
    expect(argv.join(" ")).toContain("--cap-drop ALL");
    expect(argv.join(" ")).not.toContain("DATABASE_URL");
  });

  test("is found again by its name, and by whoever removes what a stack has", () => {
    const argv = schemaArgv({ stack: "prod", tenant: "acme", image: "x" }).join(" ");
    expect(argv).toContain("--name owui-prod-scratch-schema-acme --label owui.stack=prod");
  });

  test("quotes what a password may hold", () => {
    expect(schemaVariables("postgresql://me:a'b@db/x")).toContain(
      "DATABASE_URL='postgresql://me:a'\\''b@db/x'\n",
    );
  });
});

const promotion = (changed: Partial<Promotion> = {}): Promotion => ({
  tenant: "acme",
  version: "d4c1a8e37b62",
  verifiedAt: "2026-11-21T12:00:00.000Z",
  edits: 0,
  promoted: false,
  tables: [
    { name: "chat", rows: 10, fit: 8, leftOut: 2, equal: null },
    { name: "user", rows: 3, fit: 3, leftOut: 0, equal: null },
  ],
  violations: [
    {
      table: "chat",
      key: { id: "a" },
      column: "chat",
      why: "invalid-json",
      found: "a text that is not JSON",
    },
    { table: "chat", key: { id: "b" }, why: "duplicate", found: "another row has its key (chat_pkey)" },
  ],
  notCarried: [{ table: "migratehistory", values: 18 }],
  ...changed,
});

describe("what an operator reads", () => {
  test("says by table and by row why nothing was written", () => {
    expect(
      promotionText(promotion(), "/x/report.json"),
    ).toBe(`Nothing was written: 2 things violate the strict schema.

table   rows   fit   violate   why
chat    10     8     2         invalid-json 1, duplicate 1

chat.chat of {"id":"a"}: a text that is not JSON
chat of {"id":"b"}: another row has its key (chat_pkey)
This version of Open WebUI has no place on Postgres for table migratehistory (18 rows).

Correct the rows in the tenant and sync, or say --leave-out to go on without them.

The report is /x/report.json.`);
  });

  test("says what to do with the database that was made", () => {
    const text = promotionText(
      promotion({ promoted: true, tables: [], violations: [], notCarried: [] }),
      "/x",
    );
    expect(text).toContain("Point DATABASE_URL of an Open WebUI of its version at it");
    expect(text).toContain("Uploaded files and vectors are in no replica");
  });
});
