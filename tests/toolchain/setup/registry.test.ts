import { describe, expect, it } from "vitest";
import { answered, registryOf } from "../../../toolchain/setup/registry.ts";

describe("the registry of an image", () => {
  it.each([
    ["nginx:stable-bookworm", "docker.io"],
    ["library/nginx", "docker.io"],
    ["ghcr.io/open-webui/open-webui:v0.11.3", "ghcr.io"],
    ["localhost/mine", "localhost"],
    ["127.0.0.1:5000/mine:1", "127.0.0.1:5000"],
  ])("%s is %s", (image, registry) => {
    expect(registryOf(image)).toBe(registry);
  });
});

describe("a registry", () => {
  it.each([
    "no such manifest: docker.io/library/nginx:nope",
    "errors: denied: requested access to the resource is denied",
    "manifest unknown: manifest unknown",
  ])("has answered: %s", (stderr) => {
    expect(answered({ code: 1, stderr })).toBe(true);
  });

  it.each([
    'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host',
    "net/http: request canceled while waiting for connection",
    "",
  ])("has not answered: %s", (stderr) => {
    expect(answered({ code: 1, stderr })).toBe(false);
  });

  it("has not answered when its time ran out", () => {
    expect(answered({ code: 124, stderr: "denied" })).toBe(false);
  });
});
