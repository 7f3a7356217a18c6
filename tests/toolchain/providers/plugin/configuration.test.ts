import { expect, test } from "vitest";
import {
  configurationChanges,
  parseConfiguration,
} from "../../../../toolchain/providers/plugin/configuration.ts";
import {
  ForeignStateError,
  marked,
  refuseForeign,
  refuseUnmarked,
} from "../../../../toolchain/providers/plugin/marker.ts";
import { field, flag, list, number, text } from "../../../../toolchain/providers/plugin/types.ts";

const fields = {
  host: field(text, { required: true }),
  port: field(number, { default: 5432 }),
  superuser: field(flag),
  names: field(list(text)),
} as never;

test("settings that come as text become what they stand for; text that looks like a number stays text", () => {
  const raw = { version: "3.18.0", host: "10", port: "15432", superuser: "false", names: '["a"]' };
  expect(parseConfiguration(fields, raw)).toEqual({
    config: { host: "10", port: 15432, superuser: false, names: ["a"] },
    failures: [],
  });
});

test("what a setting cannot be is told, as is a setting that does nothing here", () => {
  expect(parseConfiguration(fields, { port: "many", certPath: "/x" }).failures).toEqual([
    { property: "certPath", reason: "not supported by the stand-in: leave it out" },
    { property: "host", reason: "missing: it is required" },
    { property: "port", reason: "expected a number, found string" },
  ]);
});

test("a changed setting is a change in place; the mark and the version are none", () => {
  const olds = marked({ host: "a", password: "old", version: "1" });
  const changes = configurationChanges(olds, { host: "a", password: "new", version: "2" });
  expect(changes.map(({ property, change }) => [property, change])).toEqual([["password", "update"]]);
});

test("what the real plugins made is refused, with what was found and what to do", () => {
  expect(() => refuseUnmarked("docker", { host: "unix:///x" })).toThrow(ForeignStateError);
  expect(() => refuseUnmarked("docker", marked({}))).not.toThrow();
  expect(() => refuseForeign("docker", "urn:x", { __meta: "{}" })).toThrow(
    "urn:x was made by the real docker plugin, but a stand-in is installed in this PULUMI_HOME. Nothing was changed.",
  );
});
