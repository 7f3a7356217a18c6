import * as z from "zod";
import { documentDiff } from "./document-diff.ts";
import { parseDocument } from "./json-document.ts";
import { shown } from "./shown.ts";
import { VERSIONS, type Version } from "./versions.ts";

/** Characters up to which a document is compared by path; four versions of it are in memory then. */
export const DOCUMENT = 1_000_000;
/** Places of one document that are listed. */
const PLACES = 100;

/** A row of conflict-fields.sql. */
const FieldRow = z.object({
  column: z.string(),
  type: z.string(),
  hidden: z.boolean(),
  by_source: z.boolean(),
  by_remote: z.boolean(),
  /** Every text is all there is. */
  whole: z.boolean(),
  ...texts(),
});
type FieldRow = z.infer<typeof FieldRow>;

function texts() {
  const [text, size] = [z.string().nullable(), z.number().nullable()];
  return {
    ...{ base: text, source: text, remote: text, result: text },
    ...{ base_size: size, source_size: size, remote_size: size, result_size: size },
  };
}

const ShownText = z
  .object({
    text: z.string().describe("Its first 500 characters"),
    size: z.int().describe("Characters of all of it"),
  })
  .nullable();
const versions = {
  base: ShownText.describe("As last verified"),
  source: ShownText.describe("As the source had it"),
  remote: ShownText.describe("As others left it in the replica"),
  result: ShownText.describe(
    "As it was decided, or will be by an operator's word that the next sync applies",
  ),
};

/** One field of a conflict, as the API answers it. */
export const Field = z.object({
  column: z.string(),
  type: z.string().describe("Of Postgres"),
  changed_by: z.array(z.enum(["source", "remote"])).describe("Who changed it since it was last verified"),
  hidden: z.boolean().describe("It holds credentials: its values are not shown"),
  ...versions,
  paths: z
    .array(z.object({ path: z.string(), ...versions }))
    .optional()
    .describe(
      "Of a JSON document of at most a million characters: the places that differ, a hundred at most",
    ),
  more: z.int().optional().describe("Places that differ and are not listed"),
});
export type Field = z.infer<typeof Field>;

/** What differs in one field, in what of it is to be shown. */
export const FieldDiff = FieldRow.transform(fieldDiff).pipe(Field);

function fieldDiff(row: FieldRow): Field {
  const { column, type, hidden, by_source, by_remote } = row;
  const of = (version: Version) => {
    const [text, size] = [row[version], row[`${version}_size`]];
    return hidden || text === null || size === null ? null : shown(text, size);
  };
  return {
    column,
    type,
    changed_by: [...(by_source ? (["source"] as const) : []), ...(by_remote ? (["remote"] as const) : [])],
    hidden,
    base: of("base"),
    source: of("source"),
    remote: of("remote"),
    result: of("result"),
    ...(hidden ? {} : places(row)),
  };
}

/** The places that differ in a document that came whole in every version that there is. */
function places(row: FieldRow): Pick<Field, "paths" | "more"> {
  if (!row.type.startsWith("json") || !row.whole) return {};
  const [base, source, remote, result] = VERSIONS.map((version) => parseDocument(row[version]));
  if (source === undefined || remote === undefined) return {};
  return documentDiff({ base, source, remote, result }, PLACES);
}
