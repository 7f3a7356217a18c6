import { createHash } from "node:crypto";
import type { CopiedColumn, RestoredRow } from "../restore/copy-reader.ts";
import type { Violation } from "./report.ts";
import type { StrictColumn, StrictTable } from "./strict-schema.ts";
import { digestForm, Refused, strictValue } from "./strict-value.ts";

/** Columns of a stage in front of the table's own: the row's number, its key as JSON, its digest. */
export const STAGE_COLUMNS = ["_promote_row", "_promote_key", "_promote_digest"];

/** A column that both sides have, and where the replica has it. */
interface Pair {
  place: number;
  from: CopiedColumn;
  to: StrictColumn;
}

const NULL = Buffer.from("\\N");
const TAB = Buffer.from("\t");
const LINE_END = Buffer.from("\n");

/** Turns rows of one replica table into lines of a text COPY into its stage, and says which cannot be there. */
export class RowText {
  /** Names of the columns that the stage has, in its order. */
  readonly columns: string[];
  readonly #table: StrictTable;
  readonly #source: readonly CopiedColumn[];
  readonly #pairs: Pair[];
  /** Strict columns that must have a value and that the replica does not have. */
  readonly #impossible: string[];
  readonly #key: number[];
  #rows = 0;

  constructor(table: StrictTable, source: readonly CopiedColumn[]) {
    this.#table = table;
    this.#source = source;
    const places = new Map(source.map(({ name }, place) => [name, place]));
    this.#pairs = table.columns.flatMap((to) => {
      const place = places.get(to.name);
      return place === undefined ? [] : [{ place, from: source[place] as CopiedColumn, to }];
    });
    this.columns = this.#pairs.map(({ to }) => to.name);
    this.#impossible = table.columns
      .filter(({ name, required, filled }) => required && !filled && !places.has(name))
      .map(({ name }) => name);
    const named = table.key.length > 0 ? table.key : ["id"];
    this.#key = named.flatMap((name) => places.get(name) ?? []);
  }

  /** Rows seen so far. */
  get rows(): number {
    return this.#rows;
  }

  /** The line of a row, or what keeps it from being one. */
  line(row: RestoredRow): Buffer | Violation[] {
    const number = this.#rows++;
    const key = this.#keyOf(row);
    const violations: Violation[] = this.#impossible.map((column) => this.#violation(key, column, missing));
    const digest = createHash("sha256");
    const fields: Buffer[] = [];
    for (const { place, from, to } of this.#pairs) {
      const value = row.values[place] ?? null;
      const text = row.texts ? (row.texts[place] as boolean) : from.type === "text" || from.type === "json";
      const found = strictValue({ value, text, from: from.type }, to.type);
      if (found instanceof Refused) violations.push(this.#violation(key, to.name, found));
      else if (found === null && to.required) violations.push(this.#violation(key, to.name, missing));
      else {
        digest.update(found === null ? "N" : lengthPrefixed(digestForm(found, to.type)));
        fields.push(TAB, found === null ? NULL : escaped(found));
      }
    }
    if (violations.length > 0) return violations;
    const head = `${number}\t${escaped(Buffer.from(JSON.stringify(key)))}\t\\\\x${digest.digest("hex")}`;
    return Buffer.concat([Buffer.from(head), ...fields, LINE_END]);
  }

  /** The row's key in words; what has none gives nothing. */
  #keyOf({ values, texts }: RestoredRow): Record<string, string | null> {
    return Object.fromEntries(
      this.#key.map((place) => {
        const { name } = this.#source[place] as CopiedColumn;
        const value = values[place] ?? null;
        if (value === null) return [name, null];
        if (!(value instanceof Uint8Array)) return [name, String(value)];
        const shown = Buffer.from(value).toString(texts && !texts[place] ? "hex" : "utf8");
        // A key of a hostile row may be of any length, and no text of Postgres holds NUL.
        return [name, shown.slice(0, 200).replaceAll("\0", "\uFFFD")];
      }),
    );
  }

  #violation(key: Violation["key"], column: string, { why, found }: Refused): Violation {
    return { table: this.#table.name, key, column, why, found };
  }
}

const missing = new Refused("null", "no value where one is required");

/** A value with its length before it, as the digests' SQL writes it. */
const lengthPrefixed = (value: Buffer): Buffer => Buffer.concat([Buffer.from(`${value.length}:`), value]);

const SPECIAL = /[\\\n\r\t]/g;
const ESCAPES: Record<string, string> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** A value as a field of a text COPY. In UTF-8 the bytes that need it stand for nothing else. */
function escaped(value: Buffer): Buffer {
  const characters = value.toString("latin1");
  return SPECIAL.test(characters)
    ? Buffer.from(
        characters.replace(SPECIAL, (character) => ESCAPES[character] as string),
        "latin1",
      )
    : value;
}
