import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import opentype, { type Font } from "opentype.js";
import * as z from "zod";

/** Typefaces that logos are set in, bold, all under the SIL Open Font License: what an operator names, and the package. */
const families = { sans: "inter", serif: "lora", round: "nunito" } as const;

/** Names of the typefaces. */
export type Typeface = keyof typeof families;
export const typefaces = Object.keys(families) as Typeface[];

const { resolve } = createRequire(import.meta.url);

/** Which letters each of a family's files holds: `{"latin": "U+0000-00FF,U+0131,…"}`. */
const Ranges = z.record(z.string(), z.string());

/** The file of a family that holds a letter; undefined where none does. */
export async function fontOf(typeface: Typeface, letter: string): Promise<Font | undefined> {
  const family = families[typeface];
  const ranges = Ranges.parse(
    JSON.parse(await readFile(resolve(`@fontsource/${family}/unicode.json`), "utf8")),
  );
  const point = letter.codePointAt(0) ?? 0;
  const subset = Object.keys(ranges).find((name) => holds(ranges[name] ?? "", point));
  if (subset === undefined) return undefined;
  const file = await readFile(resolve(`@fontsource/${family}/files/${family}-${subset}-700-normal.woff`));
  const font = opentype.parse(new Uint8Array(file).buffer);
  return font.charToGlyphIndex(letter) > 0 ? font : undefined;
}

/** Whether a point is in `U+0000-00FF,U+0131,…`. */
export const holds = (ranges: string, point: number): boolean =>
  ranges.split(",").some((range) => {
    const [first = "", last = first] = range.trim().replace(/^U\+/, "").split("-");
    return point >= Number.parseInt(first, 16) && point <= Number.parseInt(last, 16);
  });
