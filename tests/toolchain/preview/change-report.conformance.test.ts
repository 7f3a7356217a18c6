import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Engine } from "../../../bench/engine.ts";
import { parseFleet } from "../../../components/fleet-config.ts";
import { ChangeReport } from "../../../toolchain/preview/change-report.ts";
import { reportMarkdown } from "../../../toolchain/preview/report-markdown.ts";
import { reportText } from "../../../toolchain/preview/report-text.ts";
import { repository } from "../../../toolchain/setup/paths.mjs";

let engine: Engine;
let folder: string;
beforeAll(async () => {
  engine = await Engine.start();
  folder = await mkdtemp(join(tmpdir(), "owui-report-"));
});
afterAll(async () => {
  await engine.stop();
  await rm(folder, { recursive: true });
});

const secret = "canary-of-a-secret-4711";

const config = {
  hosts: { local: { kind: "local" } },
  tenants: {
    acme: {
      host: "local",
      domain: "acme.localhost",
      admin: { email: "admin@acme.example" },
      environment: { TAVILY_API_KEY: secret },
      connections: [{ url: "https://models.example/v1", key: secret }],
    },
  },
  sync: { host: "local", nodes: { a: { port: 9443 }, b: { port: 9444 } } },
  monitoring: { alerts: { webhook: { url: `https://alerts.example/${secret}` } } },
};

test("the first preview of a fleet reads as one thing a part, and holds no secret", async () => {
  const project = { name: "open-webui-infrastructure", folder: repository };
  const stack = await engine.stack(project, "first", config);
  const log = join(folder, "events");
  await engine.preview(stack, ["--event-log", log, "--policy-pack", join(repository, "policy/run")]);

  const report = new ChangeReport("first", parseFleet("first", config, { repository, dataHome: "/data" }));
  const events = await readFile(log, "utf8");
  for (const line of events.split("\n").filter(Boolean)) report.add(JSON.parse(line));
  const found = report.report();
  expect(found.subjects.map(({ kind, id, changes }) => [kind, id, changes[0]?.text])).toEqual([
    ["tenant", "acme", "new tenant at acme.localhost, Open WebUI v0.11.3, on host local"],
    ["host", "local", "new host: nginx, agent, directories, rules for tenants"],
    ["replicas", "", "the replicas' database, its roles and its schema"],
    ["nodes", "", "the sync nodes"],
    ["monitoring", "", "Prometheus and Alertmanager"],
  ]);
  expect(found.risk).toBe("none");
  expect(found.errors).toEqual([]);
  expect(found.policies.checked).toContain("tenant-network-own");
  expect(found.policies.violations).toEqual([]);
  // The engine's log itself has it, in what it says for debugging: the search would find it.
  expect(events).toContain(secret);
  for (const text of [JSON.stringify(found), reportMarkdown(found), reportText(found)]) {
    expect(text).not.toContain(secret);
  }
});

test("a preview that breaks a policy says which, of what and why", async () => {
  const project = { name: "policy-test", folder: join(repository, "tests/policy/program") };
  const stack = await engine.stack(project, "broken", { privileged: true });
  const log = join(folder, "broken");
  const flags = ["--event-log", log, "--policy-pack", join(repository, "policy/run")];
  await expect(engine.preview(stack, flags)).rejects.toThrow();

  const report = new ChangeReport("broken", { hosts: [], tenants: [] });
  for (const line of (await readFile(log, "utf8")).split("\n").filter(Boolean)) report.add(JSON.parse(line));
  expect(report.report().policies.violations).toEqual([
    {
      policy: "container-unprivileged",
      level: "mandatory",
      resource: "globex",
      message: expect.stringContaining("so whoever breaks it owns the host"),
    },
  ]);
});
