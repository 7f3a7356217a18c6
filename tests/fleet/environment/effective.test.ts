import { describe, expect, it } from "vitest";
import type { TenantSpec } from "../../../components/fleet-config.ts";
import { variableTable } from "../../../fleet/commands/env.ts";
import { effectiveVariables } from "../../../fleet/environment/effective.ts";

const spec = {
  connections: [{ url: "https://models.example/v1", key: "sk-hidden" }],
  persistSettings: false,
  branding: { name: "Acme AI" },
  environment: { RAG_TOP_K: "5", DEFAULT_USER_ROLE: "user", TAVILY_API_KEY: "hidden" },
} as unknown as TenantSpec;
const written = { RAG_TOP_K: "5", DEFAULT_USER_ROLE: "user", TAVILY_API_KEY: { secure: "v1:x" } };

describe("what a tenant's application is told", () => {
  const variables = effectiveVariables(spec, "https://acme.example", written);
  const of = (name: string) => variables.find((one) => one.name === name);

  it.each([
    ["WEBUI_URL", "https://acme.example", "config: domain"],
    ["WEBUI_NAME", "Acme AI", "config: branding.name"],
    ["OFFLINE_MODE", "true", "fleet"],
    ["RAG_TOP_K", "5", "config: environment"],
    ["DEFAULT_USER_ROLE", "user", "config: environment"],
    ["TAVILY_API_KEY", null, "config: environment"],
    ["OPENAI_API_KEYS", null, "config: connections"],
  ])("has %s, its value and where it comes from", (name, value, origin) => {
    expect(of(name)).toEqual({ name, value, origin });
  });

  it("is shown by name, without a secret in it", () => {
    const names = variables.map(({ name }) => name);
    expect(names).toEqual([...names].sort());
    expect(new Set(names).size).toBe(names.length);
    const table = variableTable(variables);
    expect(table).not.toContain("hidden");
    expect(table).toMatch(/^TAVILY_API_KEY +\(secret\) +config: environment$/m);
  });
});
