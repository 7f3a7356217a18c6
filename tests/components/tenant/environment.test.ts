import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { TenantSpec } from "../../../components/fleet-config.ts";
import {
  environmentFile,
  openEnvironment,
  secretEnvironment,
  startCommand,
  trialCommand,
} from "../../../components/tenant/environment.ts";
import { tenantSpec } from "../specs.ts";

const url = "http://acme.localhost:8080";
const connections = [
  { url: "https://one.example/v1", key: "sk-one" },
  { url: "http://10.1.2.3:8000/v1", key: "" },
];

describe("a tenant on Postgres", () => {
  const database = {
    kind: "postgres",
    url: "postgresql://owui_acme@10.1.2.3:5433/acme?sslmode=require",
    password: "it's: p@ss/w%rd",
  } as const;

  it("finds the database and its password in the root-only file alone", () => {
    const spec = tenantSpec({ database });
    expect(secretEnvironment(spec)).toContain(
      `DATABASE_URL='postgresql://owui_acme:it'\\''s%3A%20p%40ss%2Fw%25rd@10.1.2.3:5433/acme?sslmode=require'\n`,
    );
    expect(openEnvironment(spec, url).join()).not.toContain("10.1.2.3");
  });

  it("says nothing of one where its file is its database", () => {
    expect(secretEnvironment(tenantSpec())).not.toContain("DATABASE_URL");
  });

  it("is tried on a copy of its SQLite file, whatever its variables say", () => {
    const folder = mkdtempSync(join(tmpdir(), "owui-trial-"));
    try {
      const file = join(folder, "environment");
      writeFileSync(file, secretEnvironment(tenantSpec({ database })));
      const line = trialCommand
        .replace(environmentFile, file)
        .replace("bash start.sh", "printenv DATABASE_URL");
      expect(execFileSync("bash", ["-c", line], { encoding: "utf8" })).toBe(
        "sqlite:////app/backend/data/webui.db\n",
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("what a tenant's container says openly", () => {
  it("is this, for a tenant with nothing special, in the order the provider keeps", () => {
    expect(openEnvironment(tenantSpec(), url)).toEqual([
      "CORS_ALLOW_ORIGIN=http://acme.localhost:8080",
      "DATABASE_ENABLE_SQLITE_WAL=True",
      "DEFAULT_USER_ROLE=pending",
      "ENABLE_INITIAL_ADMIN_SIGNUP=True",
      "ENABLE_OLLAMA_API=False",
      "ENABLE_OPENAI_API=False",
      "ENABLE_PERSISTENT_CONFIG=False",
      "ENABLE_SIGNUP=False",
      "OFFLINE_MODE=true",
      "OPENAI_API_BASE_URLS=",
      "RAG_EMBEDDING_ENGINE=openai",
      "WEBUI_URL=http://acme.localhost:8080",
    ]);
  });

  it.each<[string, Partial<TenantSpec>, string]>([
    [
      "its product's name",
      { branding: { logo: "/x", name: "Acme AI", basis: "up-to-50-users" } },
      "WEBUI_NAME=Acme AI",
    ],
    ["that its settings last", { persistSettings: true }, "ENABLE_PERSISTENT_CONFIG=True"],
    ["that it has models", { connections }, "ENABLE_OPENAI_API=True"],
    [
      "where they are",
      { connections },
      "OPENAI_API_BASE_URLS=https://one.example/v1;http://10.1.2.3:8000/v1",
    ],
  ])("includes %s", (_, changed, variable) => {
    expect(openEnvironment(tenantSpec(changed), url)).toContain(variable);
  });

  it("holds no key and nothing the operator set", () => {
    const spec = tenantSpec({ connections, environment: { OAUTH_CLIENT_SECRET: "oauth-secret" } });
    expect(openEnvironment(spec, url).join()).not.toMatch(/sk-one|oauth-secret/);
  });
});

describe("what a tenant's container may keep secret", () => {
  it("comes out of a real shell as it went in", () => {
    const values = { PLAIN: "x", NASTY: `it's "$HOME" $(id) \`id\` \\ ; & | # é\nnext line`, EMPTY: "" };
    const directory = mkdtempSync(join(tmpdir(), "environment-"));
    const file = join(directory, "environment");
    writeFileSync(file, secretEnvironment(tenantSpec({ connections, environment: values })));
    const [, , command = ""] = startCommand;
    // The start command itself, with another file and something that prints instead of Open WebUI.
    const printing = command.replace(environmentFile, file).replace("bash start.sh", "env -0");
    const output = execFileSync("bash", ["-c", printing], { encoding: "utf8" });
    rmSync(directory, { recursive: true });
    const seen = Object.fromEntries(output.split("\0").map((entry) => entry.split(/=(.*)/s).slice(0, 2)));
    expect(seen).toMatchObject({ ...values, OPENAI_API_KEYS: "sk-one;" });
  });
});
