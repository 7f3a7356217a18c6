import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { EngineEvent } from "../../../toolchain/commands/engine-events.ts";
import { followEvents } from "../../../toolchain/commands/event-log.ts";

const event = (message: string): EngineEvent => ({ diagnosticEvent: { severity: "info", message } });
const line = (message: string) => `${JSON.stringify(event(message))}\n`;

describe("an event log that is being written", () => {
  let folder: string;
  let file: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "owui-events-"));
    file = join(folder, "events");
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("is read event by event, those written last too", async () => {
    const finished = new AbortController();
    const seen: EngineEvent[] = [];
    await writeFile(file, line("first"));
    for await (const read of followEvents(file, finished.signal)) {
      seen.push(read);
      if (seen.length === 1) {
        await appendFile(file, line("second: ü") + line("third"));
        finished.abort();
      }
    }
    expect(seen).toEqual([event("first"), event("second: ü"), event("third")]);
  });

  it("may be cut in the middle of a line, which is read once it is whole", async () => {
    const finished = new AbortController();
    const seen: EngineEvent[] = [];
    const [start, end] = [line("halved").slice(0, 20), line("halved").slice(20)];
    await writeFile(file, line("first") + start);
    for await (const read of followEvents(file, finished.signal)) {
      seen.push(read);
      if (seen.length > 1) continue;
      await appendFile(file, end);
      finished.abort();
    }
    expect(seen).toEqual([event("first"), event("halved")]);
  });

  it("may never come to be", async () => {
    const seen = [];
    for await (const read of followEvents(file, AbortSignal.abort())) seen.push(read);
    expect(seen).toEqual([]);
  });
});
