import { describe, expect, it } from "vitest";
import { ChangeList } from "../../../toolchain/commands/change-list.ts";
import type { EngineEvent } from "../../../toolchain/commands/engine-events.ts";

const stack = "urn:pulumi:local::open-webui-infrastructure";
const tenant = (id: string) => `${stack}::pulumi:pulumi:Stack$owui:fleet:Tenant::${id}`;

const step = (op: string, name: string, parent: string, more: object = {}): EngineEvent =>
  ({
    resourcePreEvent: {
      metadata: {
        op,
        type: "docker:index/container:Container",
        urn: `${stack}::docker:index/container:Container::${name}`,
        new: { parent },
        ...more,
      },
    },
  }) as EngineEvent;

const textOf = (...events: EngineEvent[]) => {
  const list = new ChangeList();
  for (const event of events) list.add(event);
  return list.text;
};

const sum = (resourceChanges: Record<string, number>): EngineEvent => ({ summaryEvent: { resourceChanges } });

describe("a preview", () => {
  it("of no change says so", () => {
    const text = textOf(step("same", "acme-container", tenant("acme")), sum({ same: 63 }));
    expect(text).toBe("Nothing would change: 63 unchanged.");
  });

  it("groups changes by the part of the fleet they belong to", () => {
    const text = textOf(
      step("create", "initech-network", tenant("initech")),
      step("delete", "globex-container", "", { new: null, old: { parent: tenant("globex") } }),
      step("create", "initech-container", tenant("initech")),
      step("update", "authority", `${stack}::pulumi:pulumi:Stack::open-webui-infrastructure-local`),
      sum({ create: 2, delete: 1, update: 1, same: 60 }),
    );
    expect(text).toBe(`  Tenant initech
    + initech-network
    + initech-container

  Tenant globex
    - globex-container

  Stack
    ~ authority

2 to create, 1 to update, 1 to remove, 60 unchanged.`);
  });

  it("shows what differs, short values with what they become", () => {
    const text = textOf(
      step("replace", "acme-container", tenant("acme"), {
        detailedDiff: { memory: {}, envs: {}, image: {} },
        old: { inputs: { memory: 1335, envs: ["A=1"], image: "x".repeat(61) } },
        new: { parent: tenant("acme"), inputs: { memory: 1431, envs: ["A=2"], image: "y" } },
      }),
      sum({ replace: 1 }),
    );
    expect(text).toContain("    ± acme-container: memory 1335 → 1431, envs -A=1 +A=2, image\n");
  });

  it("names a replacement once, though the engine makes three steps of it", () => {
    const text = textOf(
      ...["create-replacement", "replace", "delete-replaced"].map((op) =>
        step(op, "acme-site", tenant("acme")),
      ),
      sum({ replace: 1 }),
    );
    expect(text.match(/acme-site/g)).toHaveLength(1);
  });
});
