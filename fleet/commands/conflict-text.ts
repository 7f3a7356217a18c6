import type { Conflict, ConflictDiff, Field, Shown } from "../../toolchain/commands/conflict-view.ts";
import { agoText, columns } from "../../toolchain/commands/status-table.ts";
import { numberText } from "../../toolchain/commands/sync-view.ts";

/** Characters of a value in a line. */
const WIDTH = 100;

/** Conflicts as a table. `now` is in milliseconds since 1970. */
export const conflictTable = (conflicts: readonly Conflict[], now: number): string =>
  columns([
    ["conflict", "tenant", "row", "source / replica", "found", "state"],
    ...conflicts.map((conflict) => [
      conflict.id,
      conflict.client,
      rowText(conflict),
      conflict.type,
      `${agoText(now - Date.parse(conflict.detected_at))} ago`,
      stateText(conflict),
    ]),
  ]).join("\n");

/** `chat id=7c1…`; a table without a key has no name for its rows. */
const rowText = ({ table, key }: Conflict): string =>
  [
    plain(table),
    ...Object.entries(key ?? {}).map(
      ([column, value]) => `${plain(column)}=${value === null ? "(hidden)" : plain(value)}`,
    ),
  ].join(" ");

/** Who won, or what it waits for. */
export function stateText({
  winner,
  accepted,
  edited,
  decided_by,
  superseded_by,
  strategy,
  written_at,
  converged_at,
}: Conflict): string {
  if (superseded_by) return `superseded by ${superseded_by}`;
  if (accepted)
    return `${edited ? "an edited row" : accepted} accepted by ${plain(decided_by)}, goes in with the next sync`;
  if (winner === "pending") return "waits for you";
  const whose = `${winner === "merged" && strategy === "merge" ? "merged" : won[winner]}, by ${decided_by === "rule" ? strategy : plain(decided_by)}`;
  if (converged_at) return `${whose}; the tenant has it`;
  return written_at ? `${whose}; written into the tenant's database` : whose;
}

const won = { source: "source won", remote: "replica won", merged: "edited row" } as const;

/** One conflict for people, field by field. */
export function diffText({ conflict, fields }: ConflictDiff, now: number): string {
  const { id, client, type, why, edited_by, edited_at, detected_at, job } = conflict;
  return [
    `Conflict ${id}: ${rowText(conflict)} of ${client}, ${type}, ${stateText(conflict)}`,
    `Changed in the replica by ${plain(edited_by)} at ${edited_at}, found ${agoText(now - Date.parse(detected_at))} ago by job ${job}.`,
    plain(why),
    ...writtenText(conflict),
    ...missingText(conflict),
    "",
    ...(fields.length === 0 ? ["No field differs."] : fields.flatMap(fieldLines)),
  ].join("\n");
}

function writtenText({ winner, written_at, written_by, converged_at, refused }: Conflict): string[] {
  if (!written_at)
    return refused && winner !== "pending"
      ? [`The tenant's own database refused the row (${plain(refused.code)}): ${plain(refused.text)}`]
      : [];
  const seen = converged_at ? ` A sync found it there at ${converged_at}.` : "";
  return [
    `Written into the tenant's own database by the writer of host ${plain(written_by ?? "?")} at ${written_at}.${seen}`,
  ];
}

function missingText({ rows }: Conflict): string[] {
  const missing = (["base", "source", "remote", "result"] as const).filter(
    (version) => rows[version] === false,
  );
  return missing.length === 0 ? [] : [`There is no such row in: ${missing.join(", ")}.`];
}

function fieldLines(field: Field): string[] {
  const { column, type, changed_by, hidden, paths, more } = field;
  const by = changed_by.length === 0 ? "" : `, changed by ${changed_by.join(" and ")}`;
  const head = `${plain(column)} (${type}${by})`;
  if (hidden) return [`${head}: holds credentials, not shown`];
  if (!paths) return [head, ...versionLines(field, "  ")];
  return [
    head,
    ...paths.flatMap((place) => [
      `  ${plain(place.path) || "(the whole document)"}`,
      ...versionLines(place, "    "),
    ]),
    ...(more ? [`  and ${numberText(more)} places more`] : []),
  ];
}

type Values = Record<"base" | "source" | "remote" | "result", Shown>;

const versionLines = (values: Values, indent: string): string[] =>
  (["base", "source", "remote", "result"] as const)
    .filter((version) => version !== "result" || values.result !== null)
    .map((version) => `${indent}${version.padEnd(6)}  ${valueText(values[version])}`);

function valueText(shown: Shown): string {
  if (shown === null) return "-";
  const text = plain(shown.text);
  const cut = text.length > WIDTH ? text.slice(0, WIDTH) : text;
  const whole = cut === text && shown.size <= shown.text.length;
  return whole ? cut : `${cut}… (${numberText(shown.size)} characters)`;
}

/** A text of unknown origin in one line, where no character moves the cursor, changes colours or turns the direction. */
export const plain = (text: string): string =>
  text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
