import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { loadConfig } from "../../../sync-runtime/agent/config.ts";

let path: string;
beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), "config-")), "agent.json");
});
afterEach(() => rm(join(path, ".."), { recursive: true }));

const config = {
  host: "local",
  cluster: "main",
  callers: "neighbours",
  listen: { address: "0.0.0.0", port: 8050 },
  tls: { certificate: "/etc/fleet/tls.crt", key: "/etc/fleet/tls.key", ca: "/etc/fleet/ca.crt" },
  tenants: "/tenants",
  state: "/state",
};

it("reads the config that the fleet writes", async () => {
  await writeFile(path, JSON.stringify(config));
  expect(await loadConfig(path)).toEqual(config);
});

it("reads a bandwidth, which has to be more than nothing", async () => {
  await writeFile(path, JSON.stringify({ ...config, bandwidth: 10_000_000 }));
  expect((await loadConfig(path)).bandwidth).toBe(10_000_000);
  await writeFile(path, JSON.stringify({ ...config, bandwidth: 0 }));
  await expect(loadConfig(path)).rejects.toThrow("bandwidth:");
});

it.each([[["10.0.0.0/8", "2001:db8::/64", "127.0.0.1/32", "::/0"]], [[]]])(
  "reads from which subnets it is called: %j",
  async (callers) => {
    await writeFile(path, JSON.stringify({ ...config, callers }));
    expect((await loadConfig(path)).callers).toEqual(callers);
  },
);

it.each([
  "10.0.0.0/33",
  "10.0.0.0",
  "10.0.0/8",
  "::1/129",
  "host/8",
  "10.0.0.0/-1",
  "10.0.0.0/8/8",
  "10.0.0.0/",
])("refuses %s, which is no subnet, instead of letting nobody or everybody in", async (subnet) => {
  await writeFile(path, JSON.stringify({ ...config, callers: [subnet] }));
  await expect(loadConfig(path)).rejects.toThrow("callers");
});

it("names every problem at once", async () => {
  const { cluster: _, ...rest } = config;
  await writeFile(path, JSON.stringify({ ...rest, listen: { address: "0.0.0.0", port: "8050" }, extra: 1 }));
  const message = await loadConfig(path).then(String, ({ message }) => message);
  for (const part of ["cluster:", "listen.port:", "extra", "npm run up"]) expect(message).toContain(part);
});

it.each([
  ["missing", undefined],
  ["not JSON", "{"],
])("says what to do when it is %s", async (_, content) => {
  if (content !== undefined) await writeFile(path, content);
  await expect(loadConfig(path)).rejects.toThrow("cannot be read as JSON. `npm run up` writes it anew.");
});
