import { describe, expect, test } from "vitest";
import { stateEntry } from "../../../components/fleet-config/state-entry.ts";
import {
  backendEnvironment,
  backendText,
  backendUrl,
  stackReference,
  stateFolder,
} from "../../../toolchain/setup/backend.ts";
import { pulumiEnvironment } from "../../../toolchain/setup/pulumi.ts";

const file = stateEntry.parse({});
const amazon = stateEntry.parse({ kind: "s3", bucket: "fleet", region: "eu-central-1" });
const spaces = stateEntry.parse({
  kind: "s3",
  bucket: "fleet",
  endpoint: "https://fra1.digitaloceanspaces.com",
});
const cloud = stateEntry.parse({ kind: "cloud", organization: "example" });

describe("the place of a stack's state", () => {
  test("is the data home where nothing is said", () => {
    expect(file).toEqual({ kind: "file" });
    expect(backendUrl(file)).toBe(`file://${stateFolder}`);
  });

  test("is addressed as Pulumi wants it", () => {
    expect(backendUrl(amazon)).toBe("s3://fleet?region=eu-central-1");
    expect(backendUrl(spaces)).toBe(
      "s3://fleet?region=us-east-1&endpoint=https%3A%2F%2Ffra1.digitaloceanspaces.com&use_path_style=true&request_checksum_calculation=when_required",
    );
    expect(backendUrl(cloud)).toBe("https://api.pulumi.com");
  });

  test("is named in words without an address's settings", () => {
    expect([amazon, spaces, cloud].map(backendText)).toEqual([
      "bucket fleet at Amazon",
      "bucket fleet at https://fra1.digitaloceanspaces.com",
      "Pulumi Cloud (example)",
    ]);
  });

  test("of an organisation has the stack under its name", () => {
    expect(stackReference("prod", cloud)).toBe("example/prod");
    expect(stackReference("prod", { kind: "cloud" })).toBe("prod");
    expect(stackReference("prod", amazon)).toBe("prod");
  });
});

describe("what the CLI is told of it", () => {
  test("is a token for Pulumi Cloud alone", () => {
    const ambient = { PULUMI_ACCESS_TOKEN: "pul-of-the-operator", HOME: "/root" };
    expect(backendEnvironment("prod", cloud, ambient)).toEqual({
      PULUMI_BACKEND_URL: "https://api.pulumi.com",
      PULUMI_STACK: "example/prod",
      PULUMI_ACCESS_TOKEN: "pul-of-the-operator",
    });
    const cli = { version: "3.259.0" };
    expect(pulumiEnvironment("prod", cli, ambient, amazon)).not.toHaveProperty("PULUMI_ACCESS_TOKEN");
  });

  test("leaves the operator's own key of Amazon's where it is, as long as none was kept", () => {
    const { AWS_SHARED_CREDENTIALS_FILE: told } = backendEnvironment("never-made", amazon, {});
    expect(told).toBeUndefined();
  });
});
