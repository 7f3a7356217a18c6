import { createHmac } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { alterations, createStatement } from "../../../../toolchain/providers/postgresql/database.ts";
import { target } from "../../../../toolchain/providers/postgresql/grant.ts";
import { areGranted, privilegeFailures } from "../../../../toolchain/providers/postgresql/privileges.ts";
import { literal, name } from "../../../../toolchain/providers/postgresql/quoting.ts";
import { scramVerifier } from "../../../../toolchain/providers/postgresql/scram.ts";

test("a name stays one name, and a value one value, whatever they hold", () => {
  expect(name('a"; DROP TABLE x --')).toBe('"a""; DROP TABLE x --"');
  expect(literal("it's")).toBe("'it''s'");
  expect(literal("a\\'b")).toBe(" E'a\\\\''b'");
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(name(text).slice(1, -1).replaceAll('""', "")).not.toContain('"');
      const escaped = /^ ?E?'(.*)'$/s.exec(literal(text))?.[1] ?? "unquoted'";
      expect(escaped.replaceAll("\\\\", "").replaceAll("''", "")).not.toMatch(/['\\]/);
    }),
  );
});

test("a password becomes a verifier that signs as RFC 7677's example does", () => {
  const salt = "W22ZaJ0SNY7soEsUEjb6gQ==";
  const [, server] = scramVerifier("pencil", Buffer.from(salt, "base64")).split("$").at(-1)?.split(":") ?? [];
  const nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
  const exchanged = `n=user,r=rOprNGfwEbeRWgbNEkqO,r=${nonce},s=${salt},i=4096,c=biws,r=${nonce}`;
  const signature = createHmac("sha256", Buffer.from(server ?? "", "base64"))
    .update(exchanged)
    .digest("base64");
  expect(signature).toBe("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
});

const database = { name: "fleet", allowConnections: true, connectionLimit: -1 } as never;

test("a database is made in UTF-8 from template0, owned by whoever makes it, unless told otherwise", () => {
  expect(createStatement(database, "root")).toBe(
    'CREATE DATABASE "fleet" OWNER "root" TEMPLATE "template0" ENCODING \'UTF8\' ' +
      "ALLOW_CONNECTIONS true CONNECTION LIMIT -1 IS_TEMPLATE false",
  );
  const given = {
    ...(database as object),
    owner: "o",
    template: "default",
    encoding: "LATIN1",
    lcCollate: "C",
  };
  expect(createStatement(given as never, "root")).toContain(
    `OWNER "o" TEMPLATE DEFAULT ENCODING 'LATIN1' LC_COLLATE 'C'`,
  );
});

test("only what differs is altered, the name last", () => {
  const given = { name: "other", owner: "o", connectionLimit: 5, allowConnections: true } as never;
  const state = { name: "fleet", owner: "p", connectionLimit: 5, allowConnections: true, isTemplate: false };
  expect(alterations(given, state)).toEqual(['OWNER TO "o"', 'RENAME TO "other"']);
});

test.each([
  [{ objectType: "database", database: "d" }, 'DATABASE "d"'],
  [{ objectType: "schema", schema: "s" }, 'SCHEMA "s"'],
  [{ objectType: "table", schema: "s" }, 'ALL TABLES IN SCHEMA "s"'],
  [{ objectType: "sequence", schema: "s", objects: ["a", "b"] }, 'SEQUENCE "s"."a", "s"."b"'],
  [{ objectType: "function", schema: "s", objects: ["f(text, int)"] }, 'FUNCTION "s"."f"(text, int)'],
])("a grant on %j names %s", (given, named) => {
  expect(target(given as never)).toBe(named);
});

test("privileges are checked by kind of object, and ALL means each of them", () => {
  const given = { objectType: "schema", privileges: ["USAGE", "SELECT; DROP TABLE x"] };
  expect(privilegeFailures(given)).toEqual([
    {
      property: "privileges",
      reason: "SELECT; DROP TABLE x is not an allowed privilege for object type schema",
    },
  ]);
  expect(areGranted("schema", ["ALL"], ["USAGE", "CREATE"])).toBe(true);
  expect(areGranted("schema", ["USAGE"], ["USAGE", "CREATE"])).toBe(false);
});
