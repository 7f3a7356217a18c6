import { createHash } from "node:crypto";
import type { SourceTable } from "./message.ts";

/**
 * What node and writer compare to know that they speak of one schema: sha256 over the name of a table and the statements
 * that made it, its indexes and its triggers, as the agent sends them.
 */
export function schemaDigest({ name, ddl }: Pick<SourceTable, "name" | "ddl">): string {
  const hash = createHash("sha256").update("owui-schema-1\0");
  for (const text of [name, ...ddl]) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(Buffer.byteLength(text));
    hash.update(length).update(text);
  }
  return hash.digest("hex");
}
