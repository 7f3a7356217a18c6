import { describe, expect, it } from "vitest";
import { planFor } from "../../../fleet/upgrade/plan.ts";
import {
  compareReleases,
  hopsBetween,
  type Release,
  releaseOf,
  releaseOfImage,
} from "../../../fleet/upgrade/version.ts";

const release = (text: string) => releaseOf(text) as Release;

describe("releases", () => {
  it.each([
    ["v0.9.6", "v0.11.3", -1],
    ["v0.11.3", "v0.9.6", 1],
    ["v0.11.10", "v0.11.9", 1],
    ["v1.0.0", "v0.99.99", 1],
    ["v0.11.3", "v0.11.3-slim", 0],
  ])("are as old as their numbers say: %s, %s", (a, b, sign) => {
    expect(Math.sign(compareReleases(release(a), release(b)))).toBe(sign);
  });

  it.each(["0.11.3", "main", "v0.11", "v0.11.3 ", "v0.11.3;id", "", "v0.11.3_cuda"])("%j is none", (text) => {
    expect(releaseOf(text)).toBeUndefined();
  });

  it("are known of upstream's images alone", () => {
    expect(releaseOfImage("ghcr.io/open-webui/open-webui:v0.9.6")?.text).toBe("v0.9.6");
    for (const image of [
      "registry.example.com/open-webui:v0.9.6",
      "ghcr.io/open-webui/open-webui:main",
      `ghcr.io/open-webui/open-webui@sha256:${"0".repeat(64)}`,
    ])
      expect(releaseOfImage(image)).toBeUndefined();
  });
});

describe("the way from one release to another", () => {
  it("is one step where nothing is known that cannot be skipped", () => {
    expect(hopsBetween(release("v0.9.6"), release("v0.11.3"))).toEqual([{ from: "v0.9.6", to: "v0.11.3" }]);
    expect(hopsBetween(release("v0.3.35"), release("v0.11.3"))).toHaveLength(1);
  });

  it("goes by way of the last release with peewee's migrations from before those that were seen without", () => {
    expect(hopsBetween(release("v0.3.10"), release("v0.11.3"))).toEqual([
      { from: "v0.3.10", to: "v0.9.5", why: expect.stringContaining("peewee") },
      { from: "v0.9.5", to: "v0.11.3" },
    ]);
    for (const to of ["v0.9.5", "v0.8.0"])
      expect(hopsBetween(release("v0.3.10"), release(to))).toHaveLength(1);
  });
});

describe("the plan for a tenant", () => {
  const tenant = (version: string, running = true) => ({
    ...{ id: "acme", running, image: `ghcr.io/open-webui/open-webui:${version}` },
  });
  const to = release("v0.11.3");

  it("takes an older one on", () => {
    expect(planFor(tenant("v0.9.6"), to)).toEqual({ hops: [{ from: "v0.9.6", to: "v0.11.3" }] });
  });

  it("passes over one that is there already, for which nothing has to be done", () => {
    expect(planFor(tenant("v0.11.3"), to)).toEqual({ passed: "acme runs v0.11.3 already", remedy: null });
  });

  it("refuses to go back, and names the command that does with the database of before", () => {
    expect(planFor(tenant("v0.12.0"), to)).toMatchObject({
      passed: "acme runs v0.12.0, which is newer than v0.11.3",
      remedy: expect.stringContaining("npx fleet rollback acme"),
    });
  });

  it("refuses one on Postgres, and says what to do instead", () => {
    const database = { kind: "postgres", url: "postgresql://a@db/acme_db", password: "x" } as const;
    expect(planFor({ ...tenant("v0.9.6"), database }, to)).toMatchObject({
      passed: "acme works on a Postgres, which cannot be rehearsed on nor taken back here",
      remedy: expect.stringContaining("make a dump of acme_db"),
    });
  });

  it("refuses what does not run, and images of others", () => {
    expect(planFor(tenant("v0.9.6", false), to)).toMatchObject({
      remedy: expect.stringContaining("fleet start"),
    });
    const own = { ...tenant("v0.9.6"), image: "registry.example.com/fork:v0.9.6" };
    expect(planFor(own, to)).toMatchObject({ passed: expect.stringContaining("registry.example.com/fork") });
  });
});
