import { request } from "node:https";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import type { FleetOutputs } from "../../toolchain/commands/fleet-outputs.ts";
import { operatorToken } from "../../toolchain/commands/operator-token.ts";

/** Something that happened in the cluster, as a node tells it (docs/api.md). */
export interface NodeEvent {
  /** What to go on from; grows. */
  id: string;
  name: string;
  data: Record<string, unknown>;
}

const Data = z.record(z.string(), z.unknown());

/** Seconds that a stream may last: as long as a token. */
const lifeS = 600;
/** A node that is silent for longer than its heartbeats are apart is gone. */
const silenceMs = 40_000;
const retryMs = 1_000;

/**
 * What happens in a cluster, from whichever node tells it; goes on with another, behind the last event that was had, when
 * one is gone. Null each time that none answers.
 */
export async function* nodeEvents(
  outputs: FleetOutputs,
  signal: AbortSignal,
): AsyncGenerator<NodeEvent | null> {
  let last: string | undefined;
  while (!signal.aborted) {
    let answered = false;
    for (const { url } of Object.values(outputs.nodes)) {
      try {
        for await (const event of eventsOf(await listen(outputs, url, last, signal))) {
          answered = true;
          last = event.id;
          yield event;
        }
        answered = true;
      } catch {
        // The next node knows as much.
      }
      if (signal.aborted) return;
    }
    if (!answered) yield null;
    await sleep(retryMs, undefined, { signal }).catch(() => {});
  }
}

async function listen(
  outputs: FleetOutputs,
  url: string,
  last: string | undefined,
  signal: AbortSignal,
): Promise<Readable> {
  const token = await operatorToken(outputs.operatorKey, { scope: "read", seconds: lifeS });
  return new Promise((resolve, reject) => {
    const asked = request(new URL("/api/v1/events", url), {
      // `localhost` may resolve to ::1 first, where nothing is published.
      lookup: (_name, _options, found) => found(null, [{ address: "127.0.0.1", family: 4 }]),
      ca: outputs.certificateAuthority,
      agent: false,
      signal,
      headers: { Authorization: `Bearer ${token}`, ...(last === undefined ? {} : { "Last-Event-ID": last }) },
    });
    asked.setTimeout(silenceMs, () => asked.destroy(new Error(`${url} fell silent`)));
    asked.once("error", reject);
    asked.once("response", (answer) => {
      if (answer.statusCode === 200) return resolve(answer);
      asked.destroy();
      reject(new Error(`${url} answered ${answer.statusCode}`));
    });
    asked.end();
  });
}

/** The events of a stream; comments and what is cut off at its end are left out. */
export async function* eventsOf(stream: AsyncIterable<Buffer | string>): AsyncGenerator<NodeEvent> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1];
      const [id, name, data] = [field("id"), field("event"), field("data")];
      if (id !== undefined && name !== undefined && data !== undefined)
        yield { id, name, data: Data.parse(JSON.parse(data)) };
    }
  }
}
