import { execFile } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cache } from "../../../../toolchain/setup/paths.mjs";
import { TestAuthority } from "../../../support/certificates.ts";
import { NodeProcess } from "../../../support/node-process.ts";
import { intentOf, TestDatabase } from "../../../support/postgres.ts";

const run = promisify(execFile);

/** The judge: it makes requests of the document, valid and not, and holds every answer against it. */
const VERSION = "4.32.5";
const home = join(cache, `schemathesis-${VERSION}`);

/**
 * What a request that is right in itself may be answered. Beside the usual: an Idempotency-Key that comes again with another
 * body is refused (422), and numbers of more digits than JavaScript holds in an edited row, which no schema can say (400).
 */
const CONFIG = `
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "422"]

[[operations]]
include-path = "/api/v1/sync/resolve/{id}"
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "403", "404", "409", "422"]
`;

let database: TestDatabase;
let node: NodeProcess;

beforeAll(async () => {
  if (!existsSync(join(home, "bin/schemathesis"))) {
    await run("python3", ["-m", "venv", home]);
    await run(join(home, "bin/pip"), ["install", "--quiet", `schemathesis==${VERSION}`]);
  }
  database = await TestDatabase.create();
  await database.apply(intentOf(["acme", "globex"]));
  const rates = { perSecond: 1e6, burst: 1e6 };
  node = await NodeProcess.start({
    ...{ database, node: "a", authority: await TestAuthority.create() },
    rates: { address: rates, subject: rates },
  });
}, 300_000);
afterAll(async () => {
  await node?.[Symbol.asyncDispose]();
  await database?.drop();
});

test("every answer is what the document says, whatever is asked", async () => {
  const token = await node.token("admin", { seconds: 600 });
  const config = join(node.root, "schemathesis.toml");
  writeFileSync(config, CONFIG);
  const found = await run(
    join(home, "bin/schemathesis"),
    [
      ...["--config-file", config, "run", `https://localhost:${node.port}/api/v1/openapi.json`],
      ...["--header", `Authorization: Bearer ${token}`],
      ...["--tls-verify", "false", "--max-examples", "50", "--seed", "1", "--workers", "1"],
      // A stream has no end, and is tested by itself.
      ...["--exclude-path", "/api/v1/events"],
      ...["--checks", "all", "--no-color"],
    ],
    { cwd: node.root, maxBuffer: 64 * 2 ** 20 },
  ).catch((error) => error as { stdout: string; stderr: string; code: number });
  console.log(found.stdout);
  expect(found).not.toHaveProperty("code");
}, 600_000);
