import { readFile } from "node:fs/promises";
import * as pulumi from "@pulumi/pulumi";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { type Declaration, declaredBy } from "./components/engine.ts";

const project = "open-webui-infrastructure";

/** The whole program, run over a stack's config. */
async function run(
  config: Record<string, unknown>,
  preview: boolean,
): Promise<[Declaration, Record<string, unknown>]> {
  const texts = Object.entries(config).map(([key, value]) => [`${project}:${key}`, JSON.stringify(value)]);
  let exported = {};
  const declared = await declaredBy(
    async () => {
      pulumi.runtime.setAllConfig(Object.fromEntries(texts));
      exported = await import("../index.ts");
    },
    { preview },
  );
  return [declared, exported];
}

describe("the program", () => {
  beforeEach(() => vi.resetModules());

  it.each([true, false])("declares the local fleet as it is shipped (in a preview: %s)", async (preview) => {
    const { config } = parse(await readFile("Pulumi.local.yaml", "utf8"));
    const [declared, exported] = await run(config, preview);
    expect(declared.ofType("Container").sort()).toEqual([
      "acme-container",
      "database-postgres",
      "globex-container",
      "local-agent",
      "local-nginx",
      "main-node-a",
      "main-node-b",
      "monitoring-alertmanager",
      "monitoring-prometheus",
    ]);
    expect(exported).toMatchObject({
      tenants: {
        acme: { url: "http://acme.localhost:8080", admin: { email: "admin@acme.example" } },
        globex: { url: "http://globex.localhost:8080" },
      },
      monitoring: { alertmanager: "https://localhost:9093" },
      nodes: { a: { url: "https://localhost:9443" }, b: { url: "https://localhost:9444" } },
      urls: ["http://acme.localhost:8080", "http://globex.localhost:8080"],
    });
  });

  it("ends with every problem of a config and no stack trace, before anything is declared", async () => {
    const config = { hosts: {}, tenants: { acme: { host: "nowhere" } } };
    const failed = run(config, true);
    await expect(failed).rejects.toSatisfy(pulumi.RunError.isInstance);
    await expect(failed).rejects.toThrow(/Pulumi\.test\.yaml has \d+ problems\. Nothing was changed\./);
  });
});
