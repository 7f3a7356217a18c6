import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Engine } from "../../bench/engine.ts";
import { parseFleet } from "../../components/fleet-config.ts";
import { type Fakes, startFakes } from "../../toolchain/fakes/start.ts";
import { ChangeReport } from "../../toolchain/preview/change-report.ts";
import { policyConfigFlags } from "../../toolchain/preview/policy-flags.ts";
import { repository } from "../../toolchain/setup/paths.mjs";
import { exampleOf, examples, stackOf } from "./example.ts";

let engine: Engine;
let fakes: Fakes;
let folder: string;
beforeAll(async () => {
  engine = await Engine.start();
  folder = await mkdtemp(join(tmpdir(), "owui-examples-"));
  fakes = await startFakes({
    ...{ home: join(folder, "fakes"), digitalOceanPort: 0, cloudflarePort: 0, zones: ["fleet.example"] },
    ...{ machines: "none", images: [], actionTime: 0, lag: 0 },
  });
});
afterAll(async () => {
  await fakes.close();
  await engine.stop();
  await rm(folder, { recursive: true });
});

/** Where the clouds are, and how to sign in there. */
const clouds = async (): Promise<Record<string, string>> => ({
  "digitalocean:apiEndpoint": fakes.digitalOcean.endpoint,
  "digitalocean:token": (await readFile(fakes.digitalOcean.tokenFile, "utf8")).trim(),
  "cloudflare:baseUrl": fakes.cloudflare.endpoint,
  "cloudflare:apiToken": (await readFile(fakes.cloudflare.tokenFile, "utf8")).trim(),
});

test.each(examples)("%s is previewed, and keeps every policy", async (file) => {
  const config = exampleOf(file);
  const name = stackOf(file);
  const fleet = parseFleet(name, config, { repository, dataHome: "/data" });
  const project = { name: "open-webui-infrastructure", folder: repository };
  const stack = await engine.stack(project, name, { ...config, ...(await clouds()) });
  const log = join(folder, `${name}.events`);
  await engine.preview(stack, ["--event-log", log, ...(await policyConfigFlags(fleet, folder))]);

  const report = new ChangeReport(name, fleet);
  for (const line of (await readFile(log, "utf8")).split("\n").filter(Boolean)) report.add(JSON.parse(line));
  const { subjects, risk, errors, policies } = report.report();
  expect(errors).toEqual([]);
  expect(risk).toBe("none");
  expect(policies.violations.filter(({ level }) => level === "mandatory")).toEqual([]);
  const told = (kind: string) => subjects.filter((subject) => subject.kind === kind).map(({ id }) => id);
  expect(told("tenant")).toEqual(fleet.tenants.map(({ id }) => id).sort());
  expect(told("host")).toEqual(fleet.hosts.map(({ id }) => id).sort());
  for (const { id, kind } of fleet.hosts) {
    const words = subjects.find((subject) => subject.kind === "host" && subject.id === id)?.changes;
    expect(words?.some(({ text }) => text.startsWith("a new droplet, s-"))).toBe(kind === "digitalocean");
  }
});
