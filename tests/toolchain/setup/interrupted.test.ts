import { describe, expect, it } from "vitest";
import { unfinished } from "../../../toolchain/setup/interrupted.ts";

const operation = (type: string, of: string, name: string) => ({
  type,
  resource: { urn: `urn:${name}`, type: of, custom: true, inputs: { name } },
});

describe("what a killed run left unfinished", () => {
  it("is the containers it was making, then the networks, and nothing else", () => {
    const pending_operations = [
      operation("creating", "docker:index/network:Network", "owui-local-control"),
      operation("creating", "docker:index/container:Container", "owui-local-agent"),
      operation("deleting", "docker:index/container:Container", "owui-local-tenant-gone"),
      operation("creating", "random:index/randomPassword:RandomPassword", "salt"),
    ];
    expect(unfinished({ checkpoint: { latest: { pending_operations } } })).toMatchObject([
      { kind: "container", name: "owui-local-agent" },
      { kind: "network", name: "owui-local-control" },
    ]);
  });

  it("is nothing after a run that ended, and before there was any", () => {
    expect(unfinished({ checkpoint: { latest: { resources: [] } } })).toEqual([]);
    expect(unfinished(undefined)).toEqual([]);
  });
});
