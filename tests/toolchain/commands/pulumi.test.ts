import { describe, expect, it } from "vitest";
import { configFlag, requireNoProtected } from "../../../toolchain/commands/pulumi.ts";

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

describe("a stack of which something is protected", () => {
  const resource = (name: string, protect?: boolean) => ({
    ...{ urn: `urn:pulumi:prod::fleet::a:b:C::${name}`, type: "a:b:C", custom: true },
    ...(protect === undefined ? {} : { protect }),
  });
  const resources = [resource("dns"), ...["one", "two", "three", "four"].map((name) => resource(name, true))];
  const asked = (...args: string[]) => requireNoProtected("prod", args, resources);

  it("is not destroyed by Pulumi's own command, whatever that is called", () => {
    for (const command of ["destroy", "down", "dn"])
      expect(() => asked(command, "--yes")).toThrow(
        /one, two, three and 1 more are protected.*npm run down -- --stack prod/s,
      );
  });

  it("may be destroyed in parts, and asked for everything else", () => {
    const parts = [
      ["destroy", "--target", "urn"],
      ["destroy", "--target=urn"],
      ["destroy", "--exclude-protected"],
    ];
    for (const args of [...parts, ["up"], ["stack", "export"], []])
      expect(() => asked(...args)).not.toThrow();
  });

  it("is destroyed once nothing of it is", () => {
    expect(() =>
      requireNoProtected("prod", ["destroy"], [resource("dns"), resource("site", false)]),
    ).not.toThrow();
  });
});
