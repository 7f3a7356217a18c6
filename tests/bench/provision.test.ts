import { describe, expect, it } from "vitest";
import { type Moments, stepsOf } from "../../bench/provision/steps.ts";

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
const seconds = (second: number) => Date.UTC(2026, 0, 1, 0, 0, second) / 1000;
const moments: Moments = {
  requests: [
    { time: at(0), method: "POST", url: "/v2/vpcs" },
    { time: at(1), method: "POST", url: "/v2/droplets" },
    { time: at(2), method: "GET", url: "/v2/droplets/1" },
  ]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join(""),
  cloudInit: JSON.stringify({
    v1: { "init-local": { start: seconds(6) }, "modules-final": { finished: seconds(46) } },
  }),
  containers: [
    `/owui-provision-nginx ${at(60)} ${at(61)}`,
    `/owui-provision-tenant-acme ${at(70)} ${at(72)}`,
  ].join("\n"),
  serving: Date.parse(at(95)),
  verified: Date.parse(at(100)),
};

describe("the steps to a tenant that serves", () => {
  it("follow one another without a gap, and make up the whole", () => {
    const steps = stepsOf(moments);
    expect(steps.map(({ seconds }) => seconds)).toEqual([5, 40, 14, 12, 23, 94, 5]);
    expect(steps.slice(0, 5).reduce((sum, { seconds }) => sum + seconds, 0)).toBe(steps[5]?.seconds);
    expect(steps.slice(0, 5).reduce((sum, { target }) => sum + target, 0)).toBe(steps[5]?.target);
  });

  it("are none where no droplet was ordered, or no tenant came", () => {
    expect(() => stepsOf({ ...moments, requests: "" })).toThrow("no droplet was ordered");
    expect(() => stepsOf({ ...moments, containers: `/nginx ${at(1)} ${at(1)}` })).toThrow(
      "no tenant's container",
    );
  });
});
