/**
 * The reader process: reads one tenant's database once and ends. It is started by the agent for every snapshot, so
 * that whatever a hostile file does to SQLite happens to a process that holds nothing, serves nobody, and is limited
 * in time and memory. It loads no package and no native code.
 */
import { createWriteStream, writeSync } from "node:fs";
import { setPriority } from "node:os";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createZstdCompress } from "node:zlib";
import { failureOf } from "./reader/failure.ts";
import { SnapshotStream } from "./reader/snapshot-stream.ts";
import { openSource } from "./reader/source-database.ts";
import { readSchema } from "./reader/source-schema.ts";
import { ReaderDescriptor, type ReaderResult, type ReaderTask } from "./reader/task.ts";

/** Behind the tenants' own processes. */
const NICENESS = 10;

/** Chats shrink to about a third; higher levels cost more time than they save on a local network. */
const COMPRESSION = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

async function read(task: ReaderTask): Promise<ReaderResult> {
  try {
    const database = openSource(task);
    // Not before: until here a writer in rollback mode may be waiting for us.
    setPriority(NICENESS);
    const snapshot = new SnapshotStream(database, readSchema(database), task);
    await pipeline(
      Readable.from(snapshot.frames(), { objectMode: false, highWaterMark: 1 }),
      createZstdCompress(COMPRESSION),
      createWriteStream("", { fd: ReaderDescriptor.spool }),
    );
    return { ok: true, ...snapshot.written };
  } catch (error) {
    return { ok: false, ...failureOf(error) };
  }
}

const task: ReaderTask = JSON.parse(process.argv[2] ?? "");
writeSync(ReaderDescriptor.result, JSON.stringify(await read(task)));
