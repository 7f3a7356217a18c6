import { expect, it } from "vitest";
import { nodeOf } from "../../sync-runtime/client-certificate.ts";

it.each([
  ["URI:urn:owui:node:main:a", { cluster: "main", node: "a" }],
  [
    "DNS:node-a.main, DNS:localhost, IP Address:127.0.0.1, URI:urn:owui:node:main:a",
    { cluster: "main", node: "a" },
  ],
  ["URI:urn:other, URI:urn:owui:node:main:b", { cluster: "main", node: "b" }],
])("names a node: %s", (subjectAltName, node) => {
  expect(nodeOf(subjectAltName)).toEqual(node);
});

it.each([
  undefined,
  "",
  "DNS:urn:owui:node:main:a",
  "URI:urn:owui:agent:local",
  "URI:urn:owui:node:main",
  "URI:urn:owui:node:main:a:b",
  "URI:urn:owui:node::a",
  "URI:xurn:owui:node:main:a",
  // A name that holds a comma is quoted by Node; what it pretends to be is no entry of its own.
  'DNS:"x\\u002c URI:urn:owui:node:main:a"',
  'URI:"urn:owui:node:main:a, x"',
])("names no node: %s", (subjectAltName) => {
  expect(nodeOf(subjectAltName)).toBeUndefined();
});
