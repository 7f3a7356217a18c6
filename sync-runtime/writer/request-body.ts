import type { IncomingMessage } from "node:http";
import * as z from "zod";
import { encodeValue } from "../protocol/value.ts";
import { fromWire, MAX_WRITE_BYTES, type RowWrite, WriteRequest } from "../protocol/write.ts";
import { BAD_REQUEST, RefusalError } from "./refusal-error.ts";

/** The body is longer than a request may be. */
export class BodyTooLargeError extends Error {
  override name = "BodyTooLargeError";
}

/** A request to write, bounded and parsed; throws {@link BodyTooLargeError}, or `bad-request` with everything that is wrong. */
export async function readWriteRequest(request: IncomingMessage): Promise<WriteRequest> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length;
    if (bytes > MAX_WRITE_BYTES) throw new BodyTooLargeError();
    chunks.push(chunk);
  }
  const parsed = WriteRequest.safeParse(parseJson(Buffer.concat(chunks)));
  if (!parsed.success)
    throw new RefusalError(BAD_REQUEST, `The body is no request to write: ${z.prettifyError(parsed.error)}`);
  const problem = contradictionIn(parsed.data);
  if (problem) throw new RefusalError(BAD_REQUEST, problem);
  return parsed.data;
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

/** Why a request cannot be meant as it stands; undefined when it can. */
export function contradictionIn({ schema, rows }: Pick<WriteRequest, "schema" | "rows">): string | undefined {
  const unknown = rows.find(({ table }) => !Object.hasOwn(schema, table));
  if (unknown) return `The request has rows of ${unknown.table} and does not say how that table is made.`;
  const seen = new Set<string>();
  for (const row of rows) {
    const name = rowName(row);
    if (seen.has(name)) return `The request has a row of ${row.table} twice.`;
    seen.add(name);
  }
  return undefined;
}

/** Equal for equal keys of one table, and for nothing else. */
const rowName = ({ table, key }: Pick<RowWrite, "table" | "key">): string =>
  [table, ...key.map((value) => encodeValue(fromWire(value)).toString("hex"))].join(" ");
