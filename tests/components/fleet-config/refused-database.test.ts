import { describe, expect, test } from "vitest";
import { parseFleet } from "../../../components/fleet-config.ts";
import { type Loose, refusal, validConfig, where } from "./config.ts";

const entry = { kind: "postgres", url: "postgres://owui@db.example.com/acme", password: "secret" };
const refused = (database: object, more: (config: Loose) => void = () => {}) =>
  refusal((config) => {
    config.tenants.acme.database = database;
    more(config);
  });

describe("a tenant's own database", () => {
  test("is its SQLite file where nothing is said of it", () => {
    const [acme] = parseFleet("local", validConfig(), where).tenants;
    expect(acme).not.toHaveProperty("database");
  });

  test("is a Postgres, in its driver's words", () => {
    const config = validConfig();
    config.tenants.acme.database = entry;
    expect(parseFleet("local", config, where).tenants[0]?.database).toEqual({
      ...entry,
      url: "postgresql://owui@db.example.com/acme",
    });
  });

  test.each([
    ["no URL", "db.example.com", "a text that is no URL of a Postgres database"],
    ["another kind", "mysql://a@db.example.com/acme", "a text that is no URL of a Postgres database"],
    ["no database", "postgres://a@db.example.com", "a text that is no URL of a Postgres database"],
    ["nobody", "postgres://db.example.com/acme", "a URL without a user"],
    ["a password", "postgres://a:hunter2@db.example.com/acme", "a URL with a password in it"],
    [
      "the container itself",
      "postgres://a@127.0.0.1/acme",
      '"127.0.0.1", which a tenant\'s container cannot',
    ],
    [
      "the container by name",
      "postgres://a@localhost/acme",
      '"localhost", which a tenant\'s container cannot',
    ],
    ["the cloud's metadata", "postgres://a@169.254.169.254/acme", '"169.254.169.254", which a tenant'],
    [
      "settings of the driver",
      "postgres://a@db/acme?options=-cx",
      "a URL with more than `sslmode` behind it",
    ],
    ["a file of another place", "postgres://a@db/acme?sslmode=verify-full", "a URL with more than `sslmode`"],
  ])("is refused with %s in its URL, and never shown", (_, url, found) => {
    const text = refused({ ...entry, url });
    expect(text).toContain(`tenants.acme.database.url\n    found:  ${found}`);
    expect(text).not.toContain("hunter2");
  });

  test.each([
    ["another kind", { ...entry, kind: "mysql" }, "tenants.acme.database.kind"],
    ["no password", { ...entry, password: undefined }, "tenants.acme.database.password\n    found:  nothing"],
    ["an unknown field", { ...entry, host: "x" }, "tenants.acme.database.host"],
  ])("is refused with %s", (_, database, text) => {
    expect(refused(database)).toContain(text);
  });

  test("is refused where its rows go both ways, by its own entry or the fleet's", () => {
    const both = "tenants.acme.database\n    found:  a Postgres, beside direction: both";
    expect(refused(entry, (config) => (config.tenants.acme.sync = { direction: "both" }))).toContain(both);
    expect(refused(entry, (config) => (config.sync.direction = "both"))).toContain(both);
    expect(
      refused(entry, (config) => {
        config.sync.direction = "both";
        config.tenants.acme.sync = { direction: "one-way" };
      }),
    ).toBe("accepted");
  });

  test("is backed up as every tenant is", () => {
    const folder = { repository: { kind: "folder", path: "/mnt/backups" } };
    expect(refused(entry, (config) => (config.backups = folder))).toBe("accepted");
  });

  test("opens no other tenant's network", () => {
    expect(
      refused({ ...entry, url: "postgres://a@10.130.0.18/acme" }, (config) => {
        config.tenants.globex.subnet = "10.130.0.16/28";
      }),
    ).toContain(
      'tenants.acme.database.url\n    found:  "10.130.0.18:5432", which lies in tenants.globex.subnet',
    );
  });
});
