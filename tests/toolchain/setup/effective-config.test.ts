import { describe, expect, it, test } from "vitest";
import { effectiveConfig, effectiveText, plainKeys } from "../../../toolchain/setup/effective-config.ts";

const earlier = { encryptionsalt: "v1:earlier", config: { running: false } };

describe("the config a run uses", () => {
  it("is the operator's, with the salt Pulumi made for an earlier run", () => {
    expect(effectiveConfig({ config: { tenants: {} } }, earlier, {})).toEqual({
      encryptionsalt: "v1:earlier",
      config: { tenants: {} },
    });
  });

  it("keeps the operator's own salt, which the secrets in the file belong to", () => {
    const own = effectiveConfig({ encryptionsalt: "v1:own", config: {} }, earlier, {});
    expect(own.encryptionsalt).toBe("v1:own");
  });

  it("has no salt before there was any", () => {
    expect(effectiveConfig({ config: {} }, {}, {})).toEqual({ config: {} });
  });

  it("lets the run's overrides win, under whichever name the key was written", () => {
    const source = { config: { "open-webui-infrastructure:running": true, sync: {} } };
    expect(effectiveConfig(source, {}, { running: false }).config).toEqual({ running: false, sync: {} });
  });
});

test("texts that the engine would read as something else are quoted", () => {
  expect(effectiveText({ config: { until: "2027-03-31", at: "04:00", say: "yes", plain: "acme" } })).toBe(
    'config:\n  until: "2027-03-31"\n  at: "04:00"\n  say: "yes"\n  plain: acme\n',
  );
});

describe("a config's keys", () => {
  it("lose the project's name that Pulumi's CLI writes before them, and no other", () => {
    expect(plainKeys({ "open-webui-infrastructure:hosts": 1, "docker:host": 2, sync: 3 })).toEqual({
      hosts: 1,
      "docker:host": 2,
      sync: 3,
    });
  });

  it("of a file without a config are none", () => {
    expect(plainKeys(undefined)).toEqual({});
  });
});
