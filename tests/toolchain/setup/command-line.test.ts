import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { olderThan, wantedVersion } from "../../../toolchain/setup/command-line.mjs";

describe("a version", () => {
  it.each([
    ["3.258.9", "3.259.0"],
    ["20.9", "20.10"],
    ["1", "1.0.1"],
    ["20.10.24+dfsg1", "20.10.25"],
  ])("%s is older than %s", (a, b) => {
    expect(olderThan(a, b)).toBe(true);
    expect(olderThan(b, a)).toBe(false);
  });

  it.each([
    ["3.259.0", "3.259.0"],
    ["3.259.0-dev.1", "3.259"],
    ["20", "20.0"],
  ])("%s is as old as %s", (a, b) => {
    expect(olderThan(a, b)).toBe(false);
    expect(olderThan(b, a)).toBe(false);
  });
});

describe("the CLI that is built", () => {
  it("is of the version of the SDK that the program uses", async () => {
    const pinned = readFileSync("toolchain/pulumi/command-line/go.mod", "utf8");
    const versions = [...pinned.matchAll(/github\.com\/pulumi\/pulumi\/(?:pkg|sdk)\/v3 v(\S+)/g)];
    const wanted = await wantedVersion();
    expect(versions.map(([, version]) => version)).toEqual([wanted, wanted]);
  });
});
