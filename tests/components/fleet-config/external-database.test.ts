import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { parseFleet } from "../../../components/fleet-config.ts";
import { claimedPorts } from "../../../toolchain/setup/fleet.ts";
import { TestAuthority } from "../../support/certificates.ts";
import { type Loose, refusal, validConfig } from "./config.ts";

const repository = mkdtempSync(join(tmpdir(), "owui-authority-"));
afterAll(() => rmSync(repository, { recursive: true }));
const place = { repository, dataHome: "/data" };
const authority = await TestAuthority.create();
const server = await authority.client();
mkdirSync(join(repository, "certificates"));
const put = (name: string, content: string) => writeFileSync(join(repository, "certificates", name), content);
put("pooler.crt", `Downloaded from the dashboard.\n${authority.certificate}`);
put("server.crt", server.certificate);
put("both.pem", `${authority.certificate}\n${server.key}`);
put("notes.txt", "it is in the safe");

const given = (changed: Loose = {}) => ({
  ...{ kind: "external", host: "db.example.com", user: "postgres", password: "hunter2" },
  ...{ ca: "certificates/pooler.crt", ...changed },
});
const databaseOf = (database: Loose) =>
  parseFleet("local", { ...validConfig(), sync: { ...validConfig().sync, database } }, place);
const refused = (database: Loose) => refusal(({ sync }) => (sync.database = database), "local", place);

describe("an external database", () => {
  test("is reached at Postgres' own port and database, its authority read from a file of the repository", () => {
    const { sync } = databaseOf(given());
    expect(sync.database).toEqual({
      ...{ kind: "external", host: "db.example.com", port: 5432, database: "postgres" },
      ...{ user: "postgres", password: "hunter2" },
      ca: { pem: authority.certificate.trim(), file: "certificates/pooler.crt" },
    });
  });

  test("may have its authority in the config itself", () => {
    const { sync } = databaseOf(given({ ca: authority.certificate, port: 6543, user: "postgres.abcdefgh" }));
    expect(sync.database).toMatchObject({
      ...{ port: 6543, user: "postgres.abcdefgh" },
      ca: { pem: authority.certificate.trim() },
    });
  });

  test("takes no port of the control host", () => {
    const fleet = databaseOf(given({ port: 8080 }));
    expect(claimedPorts(fleet).map(({ container }) => container)).not.toContain("owui-local-postgres");
  });

  test("is refused without what it takes to reach it, all of it at once", () => {
    expect(refused({ kind: "external" })).toBe(`Pulumi.local.yaml has 4 problems. Nothing was changed.

  sync.database.ca
    found:  nothing, beside kind: external
    remedy: download the authority's certificate from whoever runs the server, and write the path of that file

  sync.database.host
    found:  nothing, beside kind: external
    remedy: write the server's name as its certificate has it, such as db.example.com

  sync.database.password
    found:  nothing, beside kind: external
    remedy: encrypt it: npm run pulumi -- config set --secret --path 'sync.database.password'

  sync.database.user
    found:  nothing, beside kind: external
    remedy: write the administrator's login, such as postgres, or postgres.<project reference> through a pooler`);
  });

  test("is what its fields belong to: an embedded one has none of them", () => {
    expect(refused({ host: "db.example.com" })).toContain(`
  sync.database.host
    found:  a value, beside kind: embedded
    remedy: write kind: external if the database is somebody else's server, or remove it`);
  });

  test.each([
    ["certificates/none.crt", '"certificates/none.crt", where there is no file'],
    ["certificates/notes.txt", "no certificate in PEM"],
    ["certificates/server.crt", "a certificate that cannot sign others (CN=test): perhaps the server's own"],
    ["certificates/both.pem", "something in PEM that is no certificate: -----BEGIN PRIVATE KEY-----"],
    [
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
      "something in PEM that is no certificate: -----BEGIN CERTIFICATE-----",
    ],
  ])("is believed by an authority only: %j is refused", (ca, found) => {
    expect(refused(given({ ca }))).toContain(`  sync.database.ca\n    found:  ${found}\n    remedy: `);
  });

  test.each([
    ["host", "https://db.example.com", '"https://db.example.com"'],
    ["user", 'post"gres', '"post\\"gres"'],
    ["password", "", "a text"],
    ["port", 0, "0 (a number)"],
  ])("is refused with an unusable %s", (field, value, found) => {
    expect(refused(given({ [field]: value }))).toContain(`  sync.database.${field}\n    found:  ${found}\n`);
  });

  test("has no password that stands readable in the stack's file", () => {
    const config = { ...validConfig(), sync: { ...validConfig().sync, database: given() } };
    writeFileSync(join(repository, "Pulumi.local.yaml"), stringify({ config }));
    expect(refused(given())).toContain("  sync.database.password\n    found:  a secret in plain text\n");
    rmSync(join(repository, "Pulumi.local.yaml"));
  });
});
