import { describe, expect, it } from "vitest";
import { type EngineEvent, nameOf, summaryOf, Tally } from "../../../toolchain/commands/engine-events.ts";

const urnOf = (type: string, name: string) => `urn:pulumi:local::open-webui-infrastructure::${type}::${name}`;

const metadata = (op: string, name: string, type = "docker:index/container:Container") => ({
  op,
  type,
  urn: urnOf(type, name),
});

const begun = (...of: Parameters<typeof metadata>): EngineEvent => ({
  resourcePreEvent: { metadata: metadata(...of) },
});
const ended = (...of: Parameters<typeof metadata>): EngineEvent => ({
  resOutputsEvent: { metadata: metadata(...of) },
});

const tallyOf = (...events: EngineEvent[]) => {
  const tally = new Tally();
  for (const event of events) tally.add(event);
  return tally;
};

describe("an update, followed by its events", () => {
  it("names what is being worked on and counts what is done", () => {
    const tally = tallyOf(
      begun("create", "acme-network"),
      begun("create", "acme-container"),
      begun("update", "globex-site"),
      ended("create", "acme-network"),
    );
    expect(tally.text).toBe("1 done, at work on acme-container and 1 more");
  });

  it("says nothing of what stays as it is, nor of components", () => {
    const tally = tallyOf(
      begun("same", "acme-network"),
      begun("create", "acme", "owui:fleet:Tenant"),
      begun("create", "open-webui-infrastructure-local", "pulumi:pulumi:Stack"),
    );
    expect(tally.text).toBe("");
  });

  it("does not count what failed as done", () => {
    const tally = tallyOf(begun("create", "acme-container"), {
      resOpFailedEvent: { metadata: metadata("create", "acme-container") },
    });
    expect(tally.done).toBe(0);
    expect(tally.active.size).toBe(0);
  });

  it("gathers errors with the resource they belong to, each once, without colours", () => {
    const urn = urnOf("docker:index/container:Container", "acme-container");
    const message = "<{%reset%}>no such image<{%reset%}>\n";
    const tally = tallyOf(
      { diagnosticEvent: { severity: "error", message, urn } },
      { diagnosticEvent: { severity: "error", message, urn } },
      { diagnosticEvent: { severity: "warning", message: "slow", urn } },
      { diagnosticEvent: { severity: "error", message: "update failed" } },
      {
        diagnosticEvent: {
          severity: "error",
          message: "the config is wrong",
          urn: urnOf("pulumi:pulumi:Stack", "open-webui-infrastructure-local"),
        },
      },
    );
    expect(tally.errors).toEqual(["acme-container: no such image", "the config is wrong"]);
  });

  it("leaves out what the program says of resources that waited for one that failed", () => {
    const urn = urnOf("pulumi:pulumi:Stack", "open-webui-infrastructure-local");
    const message =
      "Error: resource acme-data [command:local:Command] failed to register\n    at /node_modules/resource.js:526:32";
    expect(tallyOf({ diagnosticEvent: { severity: "error", message, urn } }).errors).toEqual([]);
  });

  it("ends with the engine's own count", () => {
    const tally = tallyOf({ summaryEvent: { resourceChanges: { create: 2, same: 60 } } });
    expect(tally.summary).toBe("2 created, 60 unchanged");
  });
});

describe("what an update did", () => {
  it.each([
    [{ same: 63 }, "nothing changed, 63 unchanged"],
    [{}, "nothing changed, 0 unchanged"],
    [{ create: 63 }, "63 created"],
    [{ update: 1, delete: 20, same: 42 }, "1 updated, 20 deleted, 42 unchanged"],
    [{ "create-replacement": 4, "delete-replaced": 4, replace: 4, same: 1 }, "4 replaced, 1 unchanged"],
    [{ discard: 3, delete: 1 }, "1 deleted, 3 forgotten"],
  ])("%j reads: %s", (result, text) => {
    expect(summaryOf(result)).toBe(text);
  });
});

describe("a resource's address", () => {
  it("ends with its name, whatever the types before it", () => {
    expect(nameOf("urn:pulumi:local::p::owui:fleet:Tenant$docker:index/network:Network::acme-network")).toBe(
      "acme-network",
    );
  });
});
