import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { nextGeneration } from "../../../fleet/commands/next-generation.ts";

const shipped = readFileSync("Pulumi.local.yaml", "utf8");

test("a file that says nothing of certificates gets one line more, and no other change", () => {
  const next = nextGeneration(shipped);
  expect(next?.generation).toBe(2);
  const lines = next?.text.split("\n") ?? [];
  const added = lines.findIndex((line) => line.includes("generation"));
  expect(lines.toSpliced(added, 1).join("\n")).toBe(shipped);
  expect(parse(next?.text ?? "").config).toEqual({
    ...parse(shipped).config,
    certificates: { generation: 2 },
  });
});

test("is counted up again in that very place", () => {
  const once = nextGeneration(shipped)?.text ?? "";
  const twice = nextGeneration(once);
  expect(twice).toEqual({ generation: 3, text: once.replace("generation: 2", "generation: 3") });
});

test.each([
  ["as Pulumi's CLI writes it", "config:\n  open-webui-infrastructure:certificates:\n    generation: 9\n"],
  ["with a comment behind it", "config:\n  certificates:\n    generation: 9 # old\n  sync: {}\n"],
])("is found %s", (_, text) => {
  expect(nextGeneration(text)).toEqual({
    generation: 10,
    text: text.replace("generation: 9", "generation: 10"),
  });
});

test.each([
  ["without a config", "encryptionsalt: v1\n"],
  ["whose entries share one line", "config: { running: true }\n"],
  ["whose generation is no number", "config:\n  certificates: { generation: next }\n"],
  ["whose certificates have none", "config:\n  certificates: {}\n"],
])("a file %s is left to its operator", (_, text) => {
  expect(nextGeneration(text)).toBeUndefined();
});
