/**
 * A process that takes one snapshot after the other as a reader does, for tests that need many: SQLite's locks are per
 * process, so the writer has to be another one.
 */
import { closeSync, openSync } from "node:fs";
import { failureOf } from "../../../sync-runtime/agent/reader/failure.ts";
import { SnapshotStream } from "../../../sync-runtime/agent/reader/snapshot-stream.ts";
import { openSource } from "../../../sync-runtime/agent/reader/source-database.ts";
import type { ReaderTask } from "../../../sync-runtime/agent/reader/task.ts";

export interface SnapshotOrder {
  task: ReaderTask;
  store: string;
  base: string | null;
  frames: string;
  mostRows?: number;
}

async function take({ task, store, base, frames, mostRows }: SnapshotOrder) {
  const descriptors = { store: openSync(store, "wx"), base: base ? openSync(base, "r") : -1 };
  const out = openSync(frames, "w");
  try {
    const source = openSource(task);
    try {
      const snapshot = new SnapshotStream(source, task, descriptors, mostRows);
      const { writeSync } = await import("node:fs");
      for await (const chunk of snapshot.frames()) writeSync(out, chunk);
      return { ok: true, ...snapshot.written };
    } finally {
      source.database.close();
    }
  } catch (error) {
    return { ok: false, ...failureOf(error), stack: (error as Error).stack };
  } finally {
    closeSync(out);
    closeSync(descriptors.store);
    if (base) closeSync(descriptors.base);
  }
}

process.on("message", async (order: SnapshotOrder) => process.send?.(await take(order)));
