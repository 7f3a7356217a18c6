/**
 * Rebuilds a tenant's webui.db from its replica. Reads a {@link RestoreRequest} from standard input, so that no secret
 * stands in argv or the environment; prints one JSON line now and then, `{"progress": …}`, and last `{"restored": …}`.
 */
import { text } from "node:stream/consumers";
import * as z from "zod";
import { RestoreRequest } from "./request.ts";
import { type Progress, restore } from "./restore.ts";
import { RestoreError } from "./restore-error.ts";

/** How often a long restore says how far it is. */
const REPORT_MS = 500;

/** The request, or an error that lists everything that is wrong with it. */
export function parseRequest(input: string): RestoreRequest {
  try {
    return RestoreRequest.parse(JSON.parse(input));
  } catch (cause) {
    const found = cause instanceof z.ZodError ? z.prettifyError(cause) : "it is not JSON";
    throw new RestoreError("input-invalid", `The input cannot be used, nothing was changed:\n${found}`);
  }
}

/** Tells progress, at most so often. */
function reporter(): (progress: Progress) => void {
  let last = 0;
  return (progress) => {
    const now = performance.now();
    if (now - last < REPORT_MS) return;
    last = now;
    console.log(JSON.stringify({ progress }));
  };
}

if (import.meta.main) {
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(130));
  try {
    const restored = await restore(parseRequest(await text(process.stdin)), reporter());
    console.log(JSON.stringify({ restored }));
  } catch (error) {
    console.error(error instanceof RestoreError ? error.message : error);
    process.exitCode = 1;
  }
}
