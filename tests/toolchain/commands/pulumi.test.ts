import { describe, expect, it } from "vitest";
import { configFlag } from "../../../toolchain/commands/pulumi.ts";

describe("the config file that Pulumi's own commands get", () => {
  it.each([
    [
      ["config", "set", "--secret", "key"],
      ["--config-file", "effective.yaml"],
    ],
    [
      ["preview", "--diff"],
      ["--config-file", "effective.yaml"],
    ],
    [
      ["refresh", "--yes"],
      ["--config-file", "effective.yaml"],
    ],
    [["stack", "export"], []],
    [["up", "--config-file", "mine.yaml"], []],
    [[], []],
  ])("for %j is %j", (args, flag) => {
    expect(configFlag(args, "effective.yaml")).toEqual(flag);
  });
});
