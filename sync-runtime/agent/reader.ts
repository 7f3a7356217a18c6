/**
 * The reader process: reads one tenant's database once and ends. It is started by the agent for every snapshot, so
 * that whatever a hostile file does to SQLite happens to a process that holds nothing, serves nobody, and is limited
 * in time and memory. It loads no package and no native code.
 */
import { writeSync } from "node:fs";
import { setPriority } from "node:os";
import { faultPoint } from "../fault-point.ts";
import { failureOf } from "./reader/failure.ts";
import { SnapshotStream } from "./reader/snapshot-stream.ts";
import { openSource } from "./reader/source-database.ts";
import { writeSpool } from "./reader/spool-writer.ts";
import { ReaderDescriptor, type ReaderResult, type ReaderTask, type ReaderWord } from "./reader/task.ts";

/** Behind the tenants' own processes. */
const NICENESS = 10;

const say = (word: ReaderWord) => writeSync(ReaderDescriptor.result, `${JSON.stringify(word)}\n`);

async function read(task: ReaderTask): Promise<ReaderResult> {
  try {
    const source = openSource(task);
    faultPoint("reader:opened");
    // Not before: until here a writer in rollback mode may be waiting for us.
    setPriority(NICENESS);
    const snapshot = new SnapshotStream(source, task);
    await writeSpool(snapshot.frames(), (spooled) => say({ spooled }));
    const { user, system } = process.cpuUsage();
    return { ok: true, ...snapshot.written, cpuSeconds: (user + system) / 1e6 };
  } catch (error) {
    return { ok: false, ...failureOf(error) };
  }
}

say(await read(JSON.parse(process.argv[2] ?? "")));
