import { expect, test } from "vitest";
import { managedVariables } from "../../../components/fleet-config/environment.ts";
import { parseFleet } from "../../../components/fleet-config.ts";
import { openEnvironment } from "../../../components/tenant/environment.ts";
import { validConfig, where } from "./config.ts";

test("of the variables a tenant's container gets, only defaults can be set by the operator", () => {
  const config = validConfig();
  config.tenants.acme.branding = {
    logo: "examples/logos/acme.svg",
    name: "Acme AI",
    basis: "up-to-50-users",
  };
  const [acme] = parseFleet("local", config, where).tenants;
  const given = openEnvironment(acme as NonNullable<typeof acme>, "http://acme.localhost:8080");
  const free = given.map((text) => text.replace(/=.*/s, "")).filter((name) => !(name in managedVariables));
  expect(free).toEqual([
    "DEFAULT_USER_ROLE",
    "ENABLE_OLLAMA_API",
    "ENABLE_OPENAI_API",
    "OFFLINE_MODE",
    "RAG_EMBEDDING_ENGINE",
  ]);
});
