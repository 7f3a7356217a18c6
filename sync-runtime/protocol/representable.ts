import { isUtf8 } from "node:buffer";
import type { ColumnType } from "./column-type.ts";
import { isJsonText } from "./json-text.ts";
import { type ValueCursor, ValueTag } from "./value.ts";

/**
 * Whether a column of `type` holds the cursor's value as it is, so that Postgres can recompute its canonical bytes from
 * what it stored. The storage class has to agree too: integer 1 in a `double precision` column is not the real 1.0.
 * What is not representable is kept losslessly in the row's `_replica_odd`.
 */
export function isRepresentable(type: ColumnType, value: ValueCursor): boolean {
  if (value.tag === ValueTag.null) return true;
  switch (type) {
    case "bigint":
      return value.tag === ValueTag.integer;
    case "boolean":
      return value.tag === ValueTag.integer && isTruthValue(value);
    case "double precision":
      // SQLite has no NaN (it stores NULL); Postgres would not keep its bits.
      return value.tag === ValueTag.real && !Number.isNaN(value.bytes.readDoubleBE(value.payload));
    case "text":
      return value.tag === ValueTag.text && isPostgresText(value);
    case "json":
      return value.tag === ValueTag.text && isPostgresText(value) && isJsonText(value.content);
    case "bytea":
      return value.tag === ValueTag.blob;
  }
}

/** 0 or 1: the only integers that a boolean gives back. */
function isTruthValue({ bytes, payload }: ValueCursor): boolean {
  return bytes.readUInt32BE(payload) === 0 && bytes.readUInt32BE(payload + 4) <= 1;
}

/** Valid UTF-8 without NUL, which no Postgres text can hold. */
function isPostgresText(value: ValueCursor): boolean {
  return isShortAscii(value) || (isUtf8(value.content) && !value.content.includes(0));
}

/** Whether it is short and plain, as most values are: said without calls that take longer than to look. */
function isShortAscii({ bytes, payload, end }: ValueCursor): boolean {
  if (end - payload > SHORT_BYTES) return false;
  for (let at = payload; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte === 0 || byte > 0x7f) return false;
  }
  return true;
}
const SHORT_BYTES = 64;
