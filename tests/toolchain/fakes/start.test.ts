import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type Fakes, startFakes } from "../../../toolchain/fakes/start.ts";
import { clientOf } from "./client.ts";

const start = async (home: string): Promise<Fakes> => {
  const ports = { digitalOceanPort: 0, cloudflarePort: 0 };
  const quick = { machines: "none", images: [], actionTime: 0, lag: 0 } as const;
  return startFakes({ home, zones: ["fleet.example"], ...ports, ...quick });
};

test("both fakes start, keep tokens and state over a restart, and let nobody else read them", async () => {
  const home = await mkdtemp(join(tmpdir(), "owui-fakes-"));
  onTestFinished(() => rm(home, { recursive: true }));
  const first = await start(home);
  const token = async ({ tokenFile }: { tokenFile: string }) => (await readFile(tokenFile, "utf8")).trim();
  const [ocean, flare] = [await token(first.digitalOcean), await token(first.cloudflare)];
  // Cloudflare's provider takes no other form.
  expect(flare).toMatch(/^[0-9A-Za-z_-]{40,80}$/);
  await clientOf(first.digitalOcean.endpoint, ocean)("POST", "/v2/tags", { name: "fleet" });
  const { body } = await clientOf(first.cloudflare.endpoint, flare)("GET", "/zones");
  await first.close();

  const second = await start(home);
  expect(await token(second.digitalOcean)).toBe(ocean);
  const tags = await clientOf(second.digitalOcean.endpoint, ocean)("GET", "/v2/tags");
  expect(tags.body.tags[0].name).toBe("fleet");
  const zones = await clientOf(second.cloudflare.endpoint, flare)("GET", "/zones");
  expect(zones.body.result[0].id).toBe(body.result[0].id);
  const log = await readFile(second.log, "utf8");
  expect(log).not.toContain(ocean);
  for (const file of ["digitalocean.token", "digitalocean.json", "cloudflare.token", "cloudflare.json"]) {
    expect((await stat(join(home, file))).mode & 0o077).toBe(0);
  }
  await second.clear();
  expect((await readdir(home)).sort()).toEqual(["cloudflare.token", "digitalocean.token", "requests.log"]);
});
