import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { NodeContext } from "./node-context.ts";
import { repeat, type Service } from "./service.ts";

/** A collection holds the node up for 20 to 40 ms: less than a thousandth of the time. */
const EVERY_MS = 60_000;

/**
 * Collects garbage every minute. V8 collects when its own heap has grown; of what buffers hold outside of it, and of the
 * freed memory that glibc cannot give back while one of them lies behind it, it knows nothing. After a thousand first syncs
 * a node kept 110 MB for as long as nothing else came, 73 MB after a collection.
 */
export class Garbage implements Service {
  readonly #context: Pick<NodeContext, "clock" | "log">;
  readonly #collect: () => void;

  constructor(context: Pick<NodeContext, "clock" | "log">, collect = collector()) {
    this.#context = context;
    this.#collect = collect;
  }

  async run(signal: AbortSignal): Promise<void> {
    await repeat(async () => this.#collect(), this.#context, {
      ms: EVERY_MS,
      what: "collecting garbage",
      signal,
    });
  }
}

/** V8's own full collection, which programs are not given by default. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
}
