import { readFile, writeFile } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { type Document, parseDocument } from "yaml";
import { plainKeys, readSource, type StackFile } from "./effective-config.ts";

type Mapping = Record<string, unknown>;

/**
 * Carries over into the operator's file what one of Pulumi's `config` commands changed in the file a run uses. Let
 * loose on the operator's it would write it anew, with its keys sorted and without a comment.
 */
export async function carryOver(effective: string, source: string): Promise<void> {
  const text = await readFile(source, "utf8");
  const edited = carriedOver(text, await readSource(effective));
  if (edited !== text) await writeFile(source, edited);
}

/** Writes whole entries of the config into the operator's file, which keeps its comments and its order. */
export async function writeEntries(source: string, entries: Mapping): Promise<void> {
  const text = await readFile(source, "utf8");
  const { config, ...rest } = await readSource(source);
  await writeFile(source, carriedOver(text, { ...rest, config: { ...plainKeys(config), ...entries } }));
}

/** The operator's text with the config of `after` and the salt that its secrets belong to. */
export function carriedOver(text: string, { config, encryptionsalt }: StackFile): string {
  const document = parseDocument(text);
  const before = ((document.toJS() ?? {}) as StackFile).config ?? {};
  const after = plainKeys(config);
  if (isDeepStrictEqual(plainKeys(before), after)) return text;
  // A file whose keys bear the project's name was written by the CLI: it has no comments to lose.
  if (isDeepStrictEqual(plainKeys(before), before)) carry(document, ["config"], before, after);
  else document.set("config", document.createNode(after));
  if (encryptionsalt) document.set("encryptionsalt", encryptionsalt);
  return asWritten(text, document.toString({ lineWidth: 0 }));
}

/** Lines that differ from the operator's in the blanks inside of brackets only, as the operator has them. */
function asWritten(text: string, edited: string): string {
  const bare = (line: string) => line.replaceAll(/(?<=[[{]) | (?=[\]}])/g, "");
  const written = new Map(text.split("\n").map((line) => [bare(line), line]));
  const lines = edited.split("\n").map((line) => written.get(bare(line)) ?? line);
  return lines.join("\n");
}

/** Makes the value at `path` what it is to be, touching only what differs. */
function carry(document: Document, path: string[], before: unknown, after: unknown): void {
  if (isDeepStrictEqual(before, after)) return;
  if (!isMapping(before) || !isMapping(after) || shorter(before, after)) {
    document.setIn(path, document.createNode(after));
    return;
  }
  for (const key of Object.keys({ ...before, ...after })) {
    if (key in after) carry(document, [...path, key], before[key], after[key]);
    else document.deleteIn([...path, key]);
  }
}

/** A list counts as one too: its keys are its places. */
const isMapping = (value: unknown): value is Mapping => typeof value === "object" && value !== null;

/** Whether a list lost entries, or became something else: then nobody knows which places correspond. */
const shorter = (before: Mapping, after: Mapping): boolean =>
  Array.isArray(before) !== Array.isArray(after) ||
  (Array.isArray(before) && Array.isArray(after) && after.length < before.length);
