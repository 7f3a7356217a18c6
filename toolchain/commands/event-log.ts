import { open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { EngineEvent } from "./engine-events.ts";

/** How often the file is looked at while the engine writes it. */
const lookMs = 300;

/**
 * Reads the engine's event log while it is being written: every event once, in order, until `finished` says that
 * nobody writes any more and the end is reached.
 */
export async function* followEvents(file: string, finished: AbortSignal): AsyncGenerator<EngineEvent> {
  let offset = 0;
  let rest = "";
  for (;;) {
    // Asked before reading: what is written in between is read in this round.
    const last = finished.aborted;
    const text = await readFrom(file, offset);
    offset += text.length;
    const lines = (rest + text.toString("utf8")).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines.filter(Boolean)) yield JSON.parse(line) as EngineEvent;
    if (last) return;
    await sleep(lookMs, undefined, { signal: finished }).catch(() => {});
  }
}

/** What a file holds from an offset on, cut after its last whole line; nothing while the file is not there. */
async function readFrom(file: string, offset: number): Promise<Buffer> {
  try {
    await using handle = await open(file);
    const { size } = await handle.stat();
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - offset), 0, size - offset, offset);
    return buffer.subarray(0, buffer.lastIndexOf("\n", bytesRead) + 1);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return Buffer.alloc(0);
    throw error;
  }
}
