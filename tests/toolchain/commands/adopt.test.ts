import { expect, test } from "vitest";
import { alreadyThere, importFile, strangers } from "../../../toolchain/commands/adopt.ts";
import type { EngineEvent } from "../../../toolchain/commands/engine-events.ts";

const component = "urn:pulumi:local::fleet::owui:fleet:SyncDatabase::database";
const provider =
  "urn:pulumi:local::fleet::owui:fleet:SyncDatabase$pulumi:providers:postgresql::database-provider";
const urnOf = (type: string, name: string) =>
  `urn:pulumi:local::fleet::owui:fleet:SyncDatabase$${type}::${name}`;

const begun = (type: string, name: string, id: string, op = "create"): EngineEvent => ({
  resourcePreEvent: {
    metadata: {
      ...{ op, type, urn: urnOf(type, name), provider: `${provider}::3f2a` },
      new: { parent: component, inputs: { name: id } },
    },
  },
});
const failed = (type: string, name: string, message: string): EngineEvent => ({
  diagnosticEvent: { severity: "error", message, urn: urnOf(type, name) },
});
const [role, grant] = ["postgresql:index/role:Role", "postgresql:index/grant:Grant"];
const owner = { type: role, name: "database-owner", id: "fleet_owner", parent: component, provider };

test("a role that is there already is found with where it belongs", () => {
  expect(
    alreadyThere([
      begun(role, "database-owner", "fleet_owner"),
      failed(role, "database-owner", 'error creating role fleet_owner: role "fleet_owner" already exists'),
    ]),
  ).toEqual([owner]);
});

test("what fails for another reason, changes, or is nothing of that kind is not taken over", () => {
  expect(
    alreadyThere([
      begun(role, "database-owner", "fleet_owner"),
      failed(role, "database-owner", "error creating role fleet_owner: permission denied to create role"),
      begun(role, "database-login", "sync_main", "update"),
      failed(role, "database-login", 'role "sync_main" already exists'),
      begun(grant, "database-connect", "fleet"),
      failed(grant, "database-connect", "it already exists"),
    ]),
  ).toEqual([]);
});

test("the engine is told of addresses by short names, each once", () => {
  const file = JSON.parse(importFile([owner, { ...owner, name: "database-service", id: "sync_service" }]));
  expect(Object.values(file.nameTable)).toEqual([component, provider]);
  const place = { parent: "address0", provider: "address1", type: role };
  expect(file.resources).toEqual([
    { ...place, name: "database-owner", id: "fleet_owner" },
    { ...place, name: "database-service", id: "sync_service" },
  ]);
});

test("what a state knows is no stranger", () => {
  const resources = [{ urn: "", type: "docker:index/container:Container", custom: true, id: "known" }];
  expect(strangers({ checkpoint: { latest: { resources } } }, ["known", "unknown"])).toEqual(["unknown"]);
  expect(strangers(undefined, ["unknown"])).toEqual(["unknown"]);
});
