import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { loadConfig } from "../../../sync-runtime/writer/config.ts";

let path: string;
beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), "config-")), "writer.json");
});
afterEach(() => rm(join(path, ".."), { recursive: true }));

const config = {
  host: "local",
  cluster: "main",
  nodes: ["a", "b"],
  callers: "neighbours",
  listen: { address: "0.0.0.0", port: 8051 },
  tls: { certificate: "/etc/fleet/tls.crt", key: "/etc/fleet/tls.key", ca: "/etc/fleet/ca.crt" },
  tenants: ["acme"],
  directory: "/tenants",
  state: "/state",
};

it("reads the config that the fleet writes", async () => {
  await writeFile(path, JSON.stringify(config));
  expect(await loadConfig(path)).toEqual(config);
});

it("names every problem at once: nobody is let in, and no tenant written, because a key is missing", async () => {
  const { nodes: _, tenants: __, callers: ___, ...rest } = config;
  await writeFile(path, JSON.stringify({ ...rest, everything: true }));
  const message = await loadConfig(path).then(String, ({ message }) => message);
  for (const part of ["nodes:", "tenants:", "callers:", "everything", "a writer's config", "npm run up"])
    expect(message).toContain(part);
});
