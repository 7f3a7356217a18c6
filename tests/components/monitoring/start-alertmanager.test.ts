import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../../support/fleet/command.ts";

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "alertmanager-"));
  // Says what it is told to say, as Alertmanager would on its standard error.
  writeFileSync(join(directory, "alertmanager"), '#!/bin/sh\nprintf "%s\\n" "$@" >&2\n');
  chmodSync(join(directory, "alertmanager"), 0o755);
});
afterAll(() => rmSync(directory, { recursive: true }));

/** What ends in the container's log when Alertmanager says a line. */
const logged = async (line: string) => {
  const environment = { PATH: `${directory}:${process.env.PATH}`, LOG_PIPE: join(directory, "log") };
  const { stdout } = await run(["sh", "components/monitoring/start-alertmanager.sh", line], { environment });
  return stdout.trimEnd();
};

test.each([
  // As Alertmanager 0.25 wrote it.
  [
    String.raw`{"err":"Post \"http://172.17.0.1:38501/hook-token\": dial tcp 172.17.0.1:38501: connect: connection refused"}`,
    String.raw`{"err":"Post \"http://(hidden)\": dial tcp 172.17.0.1:38501: connect: connection refused"}`,
  ],
  ["from https://a.example/1 to https://b.example/2", "from https://(hidden) to https://(hidden)"],
  ['{"msg":"Listening on","address":"[::]:9093"}', '{"msg":"Listening on","address":"[::]:9093"}'],
])("the log shows no receiver's address: %s", async (line, shown) => {
  expect(await logged(line)).toBe(shown);
});
