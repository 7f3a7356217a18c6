import { expect, it } from "vitest";
import { failureIn, readState } from "../../../fleet/on-host/tenant-container.ts";

it.each([
  ["true sha256:1f 0001-01-01T00:00:00Z 4f 2 healthy\n", { running: true, endedAt: null }],
  ["true sha256:1f 2026-11-22T06:00:00Z 4f 2 healthy\n", { running: true, endedAt: null }],
  [
    "false sha256:1f 2026-11-22T06:00:00.5Z 4f 2 healthy\n",
    { running: false, endedAt: "2026-11-22T06:00:00.5Z" },
  ],
  ["false sha256:1f 0001-01-01T00:00:00Z 4f 2 healthy\n", { running: false, endedAt: null }],
])("what docker says of a container is read: %j", (text, state) => {
  expect(readState(text)).toEqual({
    ...{ exists: true, image: "sha256:1f", id: "4f", restarts: 2, health: "healthy" },
    ...state,
  });
});

it.each([
  ["", ""],
  ["it starts\nit listens\n", "it listens"],
  [
    'Traceback (most recent call last):\n  File "x.py"\nsqlalchemy.exc.OperationalError: (psycopg2.OperationalError) Connection refused\n\tIs the server running?\n\n(Background on this error at: https://sqlalche.me/e/20/e3q8)\n',
    "sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) Connection refused",
  ],
  [`x.Error: ${"y".repeat(400)}`, `x.Error: ${"y".repeat(291)}`],
])("what a container failed with is the line that says so: %j", (said, line) => {
  expect(failureIn(said)).toBe(line);
});
