import { describe, expect, it } from "vitest";
import { driftOf } from "../../../toolchain/setup/drift.ts";

const resource = (type: string, id: string | undefined) => ({
  urn: `urn:${id}`,
  type,
  custom: true,
  ...(id && { id }),
});

const resources = [
  resource("docker:index/container:Container", "c1"),
  resource("docker:index/container:Container", "c2"),
  resource("docker:index/network:Network", "n1"),
  resource("docker:index/image:Image", "owui-sync-runtime:abc"),
  resource("random:index/randomPassword:RandomPassword", "none"),
  resource("docker:index/network:Network", undefined),
];

describe("what a state has and the engine has not", () => {
  it("is what stopped or went away, and images that are to be built again", () => {
    const has = { containers: new Set(["c1"]), networks: new Set<string>(), images: new Set<string>() };
    expect(driftOf(resources, has)).toEqual({
      lost: ["urn:c2", "urn:n1"],
      unbuilt: ["urn:owui-sync-runtime:abc"],
    });
  });

  it("is nothing while all is there, and before there was a state", () => {
    const has = {
      containers: new Set(["c1", "c2", "another"]),
      networks: new Set(["n1"]),
      images: new Set(["owui-sync-runtime:abc"]),
    };
    expect(driftOf(resources, has)).toEqual({ lost: [], unbuilt: [] });
    expect(driftOf([], has)).toEqual({ lost: [], unbuilt: [] });
  });
});
