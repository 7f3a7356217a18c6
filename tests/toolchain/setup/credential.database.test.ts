import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { certifyServer } from "../../../toolchain/fakes/server-certificate.ts";
import { type Fakes, startFakes } from "../../../toolchain/fakes/start.ts";
import { type Supabase, startSupabase } from "../../../toolchain/fakes/supabase/supabase.ts";
import { type Credential, credentialsOf } from "../../../toolchain/setup/credential.ts";
import { ownName } from "../providers/conformance/docker-command.ts";

const folder = mkdtempSync(join(tmpdir(), "credential-"));
let fakes: Fakes;
let supabase: Supabase;
beforeAll(async () => {
  const quick = {
    machines: "none",
    images: [],
    actionTime: 0,
    lag: 0,
    digitalOceanPort: 0,
    cloudflarePort: 0,
  } as const;
  fakes = await startFakes({ home: join(folder, "fakes"), zones: ["fleet.example"], ...quick });
  supabase = await startSupabase({ home: folder, name: ownName("supabase"), names: ["localhost"] });
});
afterAll(async () => {
  await fakes?.close();
  await supabase?.remove();
  rmSync(folder, { recursive: true });
});

const services = () => ({
  digitalOcean: fakes.digitalOcean.endpoint,
  cloudflare: fakes.cloudflare.endpoint,
});
const only = (config: Record<string, unknown>): Credential => {
  const [credential, ...more] = credentialsOf(config, services());
  expect(more).toEqual([]);
  return credential as Credential;
};
const tokenOf = ({ tokenFile }: { tokenFile: string }) => readFileSync(tokenFile, "utf8").trim();
const droplets = { hosts: { "fra1-a": { kind: "digitalocean", region: "fra1" } } };
const external = (changed: object = {}) => {
  const { port, user, ca } = supabase;
  return { sync: { database: { kind: "external", host: "localhost", port, user, ca, ...changed } } };
};

test("a config asks for what it uses, however much else is missing in it", () => {
  const keys = (config: Record<string, unknown>) => credentialsOf(config, services()).map(({ key }) => key);
  expect(keys({})).toEqual([]);
  expect(keys({ hosts: { local: { kind: "local" } }, sync: { database: { kind: "embedded" } } })).toEqual([]);
  expect(keys({ ...droplets, ...external(), dns: { kind: "cloudflare" } })).toEqual([
    "digitalocean:token",
    "cloudflare:apiToken",
    "sync.database.password",
  ]);
  const repository = { kind: "s3", bucket: "backups", keyId: "AKIAEXAMPLE" };
  expect(keys({ backups: { repository } })).toEqual(["backups.repository.key"]);
  expect(keys({ backups: { repository: { kind: "folder", path: "/mnt/backups" } } })).toEqual([]);
});

test("DigitalOcean's token is tried at DigitalOcean", async () => {
  const token = only(droplets);
  expect(await token.test(tokenOf(fakes.digitalOcean))).toBe("opens an account with 0 droplets");
  await expect(token.test("dop_v1_wrong")).rejects.toThrow(
    /^127.0.0.1:\d+ does not take it \(401\): it is wrong/,
  );
});

test("Cloudflare's token has to see the zones of the config", async () => {
  const cloudflare = (...zones: string[]) => only({ dns: { kind: "cloudflare", zones } });
  const right = tokenOf(fakes.cloudflare);
  expect(await cloudflare("fleet.example").test(right)).toBe("opens fleet.example");
  expect(await cloudflare().test(right)).toBe("opens Cloudflare");
  await expect(cloudflare("fleet.example", "other.example").test(right)).rejects.toThrow(
    /does not see the zones other.example$/,
  );
  await expect(cloudflare("fleet.example").test("wrong".repeat(9))).rejects.toThrow(
    /does not take it \(40\d\)/,
  );
});

test("a service that does not answer is said to be that, and no token is in any message", async () => {
  const [credential] = credentialsOf(droplets, { ...services(), digitalOcean: "http://127.0.0.1:1" });
  const failure = await (credential as Credential)
    .test("dop_v1_secret")
    .catch((error: Error) => error.message);
  expect(failure).toMatch(/^127.0.0.1:1 does not answer/);
  expect(failure).not.toContain("secret");
});

test("a database's password is tried there, over TLS, and so is what its administrator may", async () => {
  expect(await only(external()).test(supabase.password)).toMatch(/^opens Postgres 15\./);
  await expect(only(external()).test("wrong")).rejects.toThrow(/password authentication failed/);
  const { ca } = await certifyServer(["localhost"]);
  await expect(only(external({ ca })).test(supabase.password)).rejects.toThrow(/certificate|signature/i);
  await expect(only(external({ host: "127.0.0.1" })).test(supabase.password)).rejects.toThrow(/altnames/);
});

test("an administrator who may too little is told of all of it", async () => {
  const platform = new pg.Client({ ...supabase, ...supabase.superuser, ssl: { ca: supabase.ca } });
  await platform.connect();
  await platform.query("CREATE ROLE clerk LOGIN PASSWORD 'of the clerk'");
  await platform.end();
  await expect(only(external({ user: "clerk" })).test("of the clerk")).rejects.toThrow(
    "clerk may not create roles; clerk does not own the database postgres",
  );
});
