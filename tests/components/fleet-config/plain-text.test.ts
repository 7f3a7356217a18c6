import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { stringify } from "yaml";
import { plainTextSecrets } from "../../../components/fleet-config/plain-text.ts";
import { type Loose, refusal, validConfig } from "./config.ts";

let repository: string;
beforeEach(() => {
  repository = mkdtempSync(join(tmpdir(), "owui-plain-text-"));
});
afterEach(() => rmSync(repository, { recursive: true }));

/** Writes the stack's file as an editor would. */
const write = (acme: Loose) => {
  const config = validConfig();
  Object.assign(config.tenants.acme, acme);
  writeFileSync(join(repository, "Pulumi.local.yaml"), stringify({ config }));
};

test("a key and a variable that stand readable in the stack's file are refused, with the whole message", () => {
  write({
    connections: [{ url: "https://models.example.com/v1", key: "hunter2" }],
    environment: { OAUTH_CLIENT_SECRET: "hunter2", GOOGLE_CLIENT_ID: "public" },
  });
  expect(refusal(() => {}, "local", { repository, dataHome: "/data" })).toBe(
    `Pulumi.local.yaml has 2 problems. Nothing was changed.

  tenants.acme.connections[0].key
    found:  a secret in plain text
    remedy: remove it from the file and encrypt it: npm run pulumi -- config set --secret --path 'tenants.acme.connections[0].key'

  tenants.acme.environment.OAUTH_CLIENT_SECRET
    found:  a secret in plain text
    remedy: remove it from the file and encrypt it: npm run pulumi -- config set --secret --path 'tenants.acme.environment.OAUTH_CLIENT_SECRET'`,
  );
});

test("a key is found under the name Pulumi's CLI gives it", () => {
  const acme = { connections: [{ url: "https://models.example.com/v1", key: "hunter2" }] };
  const config = { "open-webui-infrastructure:tenants": { acme } };
  writeFileSync(join(repository, "Pulumi.local.yaml"), stringify({ config }));
  expect(plainTextSecrets("local", repository).map(({ path }) => path)).toEqual([
    "tenants.acme.connections[0].key",
  ]);
});

test("encrypted values are fine", () => {
  write({
    connections: [{ url: "https://models.example.com/v1", key: { secure: "v1:abc" } }],
    environment: { TAVILY_API_KEY: { secure: "v1:abc" } },
  });
  expect(plainTextSecrets("local", repository)).toEqual([]);
});

test("a stack without a file in the repository has nothing to look at", () => {
  expect(plainTextSecrets("elsewhere", repository)).toEqual([]);
});

test("a file of another shape is left to the schema", () => {
  writeFileSync(join(repository, "Pulumi.local.yaml"), "config: [ 1 ]");
  expect(plainTextSecrets("local", repository)).toEqual([]);
});

test("who hears of alerts: a password and addresses that hold tokens are secrets", () => {
  const alerts = {
    mail: { host: "smtp.example.com", password: "hunter2" },
    webhook: { url: "https://hooks.example.com/token" },
    heartbeat: { url: { secure: "v1:abc:def" }, every: "1m" },
  };
  const config = { monitoring: { alerts } };
  writeFileSync(join(repository, "Pulumi.local.yaml"), stringify({ config }));
  expect(plainTextSecrets("local", repository).map(({ path }) => path)).toEqual([
    "monitoring.alerts.mail.password",
    "monitoring.alerts.webhook.url",
  ]);
});
