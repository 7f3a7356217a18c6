import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { fileLog } from "../../../toolchain/fakes/http/request-log.ts";
import { clientOf, token } from "./client.ts";
import { boot, openAccount } from "./digitalocean/account.ts";

const folder = async (): Promise<string> => {
  const path = await mkdtemp(join(tmpdir(), "owui-fake-"));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
};

test("without the token nothing is answered but that; every answer says what it comes from", async () => {
  const { address } = await openAccount();
  for (const wrong of ["", "another-token", `${token}x`]) {
    const { status, body, headers } = await clientOf(address, wrong)("GET", "/v2/account");
    expect([status, body.id]).toEqual([401, "Unauthorized"]);
    expect(headers.get("x-fake-cloud")).toContain("nothing here is real");
  }
});

test("an unknown path, another method and a body that is no JSON are told apart", async () => {
  const { api } = await openAccount();
  const answers = [
    await api("GET", "/v2/kubernetes/clusters"),
    await api("PATCH", "/v2/droplets"),
    await api("POST", "/v2/droplets", "{"),
  ];
  expect(answers.map(({ status }) => status)).toEqual([404, 405, 400]);
});

test("the log holds method, path and status of every request, and neither token nor body", async () => {
  const path = join(await folder(), "requests.log");
  const { api, cloud } = await openAccount({ log: fileLog(path) });
  await boot(api, () => cloud.settle(), { user_data: "#cloud-config\n# a-secret" });
  await api("GET", "/v2/droplets?page=1");
  const text = await readFile(path, "utf8");
  const lines = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines).toMatchObject([
    { fake: "digitalocean", method: "POST", url: "/v2/droplets", status: 202 },
    { fake: "digitalocean", method: "GET", url: "/v2/droplets?page=1", status: 200 },
  ]);
  expect(text).not.toContain(token);
  expect(text).not.toContain("a-secret");
  expect((await stat(path)).mode & 0o077).toBe(0);
});

test("the allowance counts down, and past it the answer is 429 until the next one begins", async () => {
  let now = new Date("2026-03-01T00:00:00Z");
  const { api } = await openAccount({ rateLimit: { requests: 2, seconds: 60 }, now: () => now });
  const first = await api("GET", "/v2/account");
  expect(first.headers.get("ratelimit-remaining")).toBe("1");
  expect(first.headers.get("ratelimit-limit")).toBe("2");
  expect(Number(first.headers.get("ratelimit-reset"))).toBe(now.getTime() / 1000 + 60);
  await api("GET", "/v2/account");
  const refused = await api("GET", "/v2/account");
  expect([refused.status, refused.body.id, refused.headers.get("retry-after")]).toEqual([
    429,
    "too_many_requests",
    "60",
  ]);
  now = new Date("2026-03-01T00:01:00Z");
  expect((await api("GET", "/v2/account")).status).toBe(200);
});

test("injected faults hit the requests they fit, as often as they say, and are in the log", async () => {
  const { api, faults, lines } = await openAccount();
  faults.add({ method: "GET", path: "^/v2/sizes$", answer: "server-error", skip: 1, times: 2 });
  faults.add({ path: "^/v2/regions$", answer: "rate-limit" });
  const statuses = [];
  for (const path of ["sizes", "sizes", "regions", "sizes", "sizes", "regions"]) {
    statuses.push((await api("GET", `/v2/${path}`)).status);
  }
  expect(statuses).toEqual([200, 500, 429, 500, 200, 200]);
  expect(lines.filter(({ fault }) => fault).map(({ fault }) => fault)).toEqual([
    "server-error",
    "rate-limit",
    "server-error",
  ]);
});

test("a lost answer: the request was carried out, and its client cannot know", async () => {
  const { api, faults, lines } = await openAccount();
  faults.add({ method: "POST", path: "tags", answer: "lost" });
  await expect(api("POST", "/v2/tags", { name: "fleet" })).rejects.toThrow();
  expect(lines.at(-1)).toMatchObject({ status: 0, fault: "lost" });
  expect((await api("GET", "/v2/tags")).body.meta.total).toBe(1);
});

test("faults come and go over HTTP too; one that makes no sense is refused", async () => {
  const { api } = await openAccount();
  await api("POST", "/fake/faults", { path: "account", answer: "unavailable", times: 9 });
  expect((await api("GET", "/v2/account")).status).toBe(503);
  expect((await api("GET", "/fake/faults")).body.faults).toMatchObject([{ times: 8 }]);
  await api("DELETE", "/fake/faults");
  expect((await api("GET", "/v2/account")).status).toBe(200);
  expect((await api("POST", "/fake/faults", { path: "(", answer: "server-error" })).status).toBe(400);
});

test("with a lag, what was just made is not found for that long", async () => {
  let now = new Date("2026-03-01T00:00:00Z");
  const { api } = await openAccount({ lag: 5000, now: () => now });
  const { body } = await api("POST", "/v2/vpcs", { name: "fleet", region: "fra1" });
  const path = `/v2/vpcs/${body.vpc.id}`;
  expect((await api("GET", path)).status).toBe(404);
  now = new Date("2026-03-01T00:00:05Z");
  expect((await api("GET", path)).status).toBe(200);
});

test("a restart forgets nothing: what was booting boots, and what else was under way has failed", async () => {
  const stateFile = join(await folder(), "state.json");
  const before = await openAccount({ stateFile });
  const running = await boot(before.api, () => before.cloud.settle());
  // Neither of these ends before the fake does.
  const slow = await openAccount({ stateFile, actionTime: 60_000 });
  const asked = { name: "fra1-b", region: "fra1", size: "s-1vcpu-1gb", image: "debian-12-x64" };
  const { body: second } = await slow.api("POST", "/v2/droplets", asked);
  const { body: action } = await slow.api("POST", `/v2/droplets/${running}/actions`, { type: "power_off" });
  const after = await openAccount({ stateFile });
  await after.cloud.settle();
  const { body } = await after.api("GET", "/v2/droplets");
  expect(body.droplets).toMatchObject([
    { id: running, status: "active" },
    { id: second.droplet.id, status: "active" },
  ]);
  const { body: of } = await after.api("GET", `/v2/actions/${action.action.id}`);
  expect(of.action.status).toBe("errored");
  expect((await stat(stateFile)).mode & 0o077).toBe(0);
});

test("a state file that cannot be read is left alone", async () => {
  const stateFile = join(await folder(), "state.json");
  await writeFile(stateFile, "{ half");
  await expect(openAccount({ stateFile })).rejects.toThrow(/is not a fake's state.*Nothing was changed/);
  expect(await readFile(stateFile, "utf8")).toBe("{ half");
});
