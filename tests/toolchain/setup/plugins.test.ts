import { describe, expect, it } from "vitest";
import { type Installed, type PluginPlan, planPlugins } from "../../../toolchain/setup/plugins.ts";
import { type Checkpoint, type Maker, makerOf, resourceCount } from "../../../toolchain/setup/stack-state.ts";

describe("the plugins of a stack", () => {
  it.each([
    [undefined, "none", "download"],
    [undefined, "real", "use-real"],
    [undefined, "stand-ins", "install-stand-ins"],
    ["real", "none", "download"],
    ["real", "stand-ins", "download"],
    ["real", "real", "use-real"],
    ["stand-ins", "none", "install-stand-ins"],
    ["stand-ins", "real", "install-stand-ins"],
    ["stand-ins", "stand-ins", "install-stand-ins"],
  ] satisfies [Maker | undefined, Installed, PluginPlan][])(
    "made by %s, where %s are installed: %s",
    (madeBy, installed, plan) => {
      expect(planPlugins(madeBy, installed)).toBe(plan);
    },
  );
});

const checkpoint = (...inputs: Record<string, unknown>[]): Checkpoint => ({
  checkpoint: {
    latest: {
      resources: [
        { urn: "urn:1", type: "pulumi:pulumi:Stack", custom: false },
        { urn: "urn:2", type: "random:index/randomPassword:RandomPassword", custom: true },
        ...inputs.map((own) => ({
          urn: "urn:3",
          type: "pulumi:providers:random",
          custom: true,
          inputs: own,
        })),
      ],
    },
  },
});

describe("a stack's state", () => {
  it("tells that stand-ins made it, by their mark in a provider's inputs", () => {
    expect(makerOf(checkpoint({ version: "1" }, { standIn: "open-webui-infrastructure" }))).toBe("stand-ins");
  });

  it("tells that real plugins made it, by the mark's absence", () => {
    expect(makerOf(checkpoint({ version: "4.21.2" }))).toBe("real");
  });

  it("tells nothing before a provider is in it", () => {
    expect(makerOf(checkpoint())).toBeUndefined();
    expect(makerOf(undefined)).toBeUndefined();
    expect(makerOf({ checkpoint: {} })).toBeUndefined();
  });

  it("counts what is no component", () => {
    expect(resourceCount(checkpoint({}))).toBe(2);
    expect(resourceCount(undefined)).toBe(0);
  });
});
