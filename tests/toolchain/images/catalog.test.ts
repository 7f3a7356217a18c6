import { existsSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  acmeImage,
  backupImage,
  debianImage,
  dropletImage,
  fakeAuthorityImage,
  fleetImages,
  monitoringImages,
  recipeOf,
  sshImage,
} from "../../../toolchain/images/catalog.ts";

describe("the catalog of images", () => {
  it.each([
    debianImage,
    ...fleetImages,
    acmeImage,
    backupImage,
    sshImage,
    ...monitoringImages,
    dropletImage,
    fakeAuthorityImage,
  ])("has a recipe for %s", (image) => {
    const folder = `toolchain/images/${recipeOf(image)?.folder}`;
    expect(["Dockerfile", "build.sh"].some((file) => existsSync(`${folder}/${file}`))).toBe(true);
  });

  it("builds any release of Open WebUI", () => {
    expect(recipeOf("ghcr.io/open-webui/open-webui:v0.12.4")).toMatchObject({
      folder: "open-webui",
      arguments: { VERSION: "0.12.4" },
    });
  });

  it("has files of one release's own, by the names that they take the place of", () => {
    const { folder, ownFiles } = recipeOf("ghcr.io/open-webui/open-webui:v0.6.43") ?? {};
    expect(readdirSync(`toolchain/images/${folder}`)).toEqual(
      expect.arrayContaining(readdirSync(`toolchain/images/${ownFiles}`)),
    );
  });

  it.each([
    "ghcr.io/open-webui/open-webui:main",
    "ghcr.io/open-webui/open-webui:v0.11.3-cuda",
    "ghcr.io/open-webui/open-webui@sha256:0123",
    "registry.example/open-webui:v0.11.3",
  ])("has no recipe for %s", (image) => {
    expect(recipeOf(image)).toBeUndefined();
  });
});
