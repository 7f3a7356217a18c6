import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { TestReplicas } from "../node/test-replica.ts";
import { fileSource } from "./file-source.ts";

/** RssAnon at most. One such row stands in it up to six times: as it came, joined, bound, cast, in its record, in a page cache. */
const MOST_BYTES = 350 * 2 ** 20;

test("rows of 36 MB are restored in bounded memory, however many there are", async () => {
  await using replicas = await TestReplicas.create(1);
  const replica = replicas.nextTenant();
  const directory = mkdtempSync(join(tmpdir(), "restore-memory-"));
  try {
    const source = join(directory, "source.db");
    const made = new DatabaseSync(source);
    made.exec(`
      CREATE TABLE chat (id INTEGER PRIMARY KEY, chat JSON);
      WITH n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 3)
        INSERT INTO chat SELECT i, '["' || hex(zeroblob(18000000)) || '"]' FROM n;
    `);
    made.close();
    await replica.sync(fileSource(source, replica.source.identity));
    const child = spawn(process.execPath, ["sync-runtime/restore/main.ts"], {
      stdio: ["pipe", "ignore", "inherit"],
    });
    const ended = once(child, "exit");
    const connection = replicas.database.credentials("sync_main");
    child.stdin.end(JSON.stringify({ connection, tenant: replica.tenant, to: join(directory, "webui.db") }));
    let most = 0;
    while (child.exitCode === null) {
      const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
      most = Math.max(most, Number(/^RssAnon:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024);
      await pause(10);
    }
    expect(await ended).toEqual([0, null]);
    expect(most).toBeLessThan(MOST_BYTES);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
