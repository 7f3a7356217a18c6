import { expect, it } from "vitest";
import { readState } from "../../../fleet/on-host/tenant-container.ts";

it.each([
  ["true sha256:1f 0001-01-01T00:00:00Z\n", { running: true, endedAt: null }],
  ["true sha256:1f 2026-11-22T06:00:00Z\n", { running: true, endedAt: null }],
  ["false sha256:1f 2026-11-22T06:00:00.5Z\n", { running: false, endedAt: "2026-11-22T06:00:00.5Z" }],
  ["false sha256:1f 0001-01-01T00:00:00Z\n", { running: false, endedAt: null }],
])("what docker says of a container is read: %j", (text, state) => {
  expect(readState(text)).toEqual({ exists: true, image: "sha256:1f", ...state });
});
