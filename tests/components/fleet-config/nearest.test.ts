import { expect, test } from "vitest";
import { nearest } from "../../../components/fleet-config/nearest.ts";

const known = ["host", "domain", "memory", "persistSettings", "privateEndpoints"];

test.each([
  ["hots", "host"],
  ["Domain", "domain"],
  ["memmory", "memory"],
  ["persist_settings", "persistSettings"],
  ["privateEndpoint", "privateEndpoints"],
])("%s was meant to be %s", (word, meant) => {
  expect(nearest(word, known)).toBe(meant);
});

test.each(["colour", "x", ""])("%j resembles nothing known", (word) => {
  expect(nearest(word, known)).toBeUndefined();
});
