import { describe, expect, it } from "vitest";
import { pulumiEnvironment } from "../../../toolchain/setup/pulumi.ts";

describe("the environment of the CLI", () => {
  const ambient = {
    PATH: "/usr/bin",
    PULUMI_ACCESS_TOKEN: "of another project",
    PULUMI_CONFIG_PASSPHRASE: "theirs",
    HOME: "/root",
  };
  const environment = pulumiEnvironment("local", { version: "3.259.0", folder: "/cache/3.259.0" }, ambient);

  it("holds nothing of the user's own Pulumi settings", () => {
    expect(environment).not.toHaveProperty("PULUMI_ACCESS_TOKEN");
    expect(environment).not.toHaveProperty("PULUMI_CONFIG_PASSPHRASE");
  });

  it("finds the project's Node first, then the CLI, then the rest", () => {
    expect(environment.PATH).toMatch(/node_modules\/\.bin:\/cache\/3\.259\.0:\/usr\/bin$/);
  });

  it("names the passphrase's file, not the passphrase", () => {
    expect(environment.PULUMI_CONFIG_PASSPHRASE_FILE).toMatch(/\/passphrase$/);
  });

  it("needs no folder for a CLI on PATH", () => {
    expect(pulumiEnvironment("local", { version: "3.260.0" }, ambient).PATH).toMatch(/\.bin:\/usr\/bin$/);
  });
});
