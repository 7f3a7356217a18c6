import { createHash } from "node:crypto";
import { SetupError } from "../../toolchain/setup/problem.mjs";
import { fontOf, type Typeface, typefaces } from "./typeface.ts";

/** What the letters stand on. */
export const shapes = ["circle", "rounded", "square"] as const;
export type Shape = (typeof shapes)[number];

/** A logo made of one or two letters. */
export interface LetterLogo {
  /** `A` or `AC`, taken as they are written. */
  letters: string;
  /** What they stand on; default: rounded. */
  shape?: Shape;
  /** Of what they stand on, #rrggbb; default: one of twelve, by the letters. */
  colour?: string;
  /** Default: sans. */
  typeface?: Typeface;
}

/** The edge of the drawing. */
const EDGE = 512;
/** How much of the edge the letters may take: what a circle cuts off stays free. */
const WIDEST = 0.62;
const HIGHEST = 0.42;

/** Twelve colours on which white reads well (4.5:1 and more), spread over the circle. */
const colours = [
  ...["#b3261e", "#a8480b", "#7a5c00", "#4d6a00", "#1f7a1f", "#00755a"],
  ...["#006f86", "#0b63ce", "#4353c9", "#6f42c1", "#9a3196", "#b02a63"],
] as const;

/**
 * The logo as an SVG of paths alone: it shows the same wherever it is drawn, whatever fonts are there.
 *
 * @throws SetupError which letters cannot be drawn, and what to do
 */
export async function letterLogo({
  letters,
  shape = "rounded",
  colour = colourOf(letters),
  typeface = "sans",
}: LetterLogo): Promise<string> {
  const glyphs = lettersOf(letters);
  if (!/^#[0-9a-f]{6}$/i.test(colour)) throw wrongColour(colour);
  const outline = await outlineOf(glyphs, typeface);
  const ink = inkOn(colour);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${EDGE} ${EDGE}">${ground(shape, colour)}<path fill="${ink}" d="${outline}"/></svg>\n`;
}

/** One or two letters or digits, each with the accents that belong to it. */
function lettersOf(text: string): string[] {
  const letters = [...new Intl.Segmenter().segment(text.normalize("NFC"))].map(({ segment }) => segment);
  if (letters.length < 1 || letters.length > 2 || !letters.every((letter) => /^[\p{L}\p{N}]$/u.test(letter)))
    throw new SetupError([
      {
        what: `"${text}" is not one or two letters.`,
        why: "More would be too small to read in a browser's tab.",
        remedy: "Give one or two letters or digits, as --letters AC; or a drawing of your own with --logo.",
      },
    ]);
  return letters;
}

/** The letters side by side in the middle, as the `d` of one path. */
async function outlineOf(letters: readonly string[], typeface: Typeface): Promise<string> {
  const size = 1000;
  const drawn = [];
  let x = 0;
  for (const letter of letters) {
    const font = await fontOf(typeface, letter);
    if (!font) throw missingLetter(letter, typeface);
    const glyph = font.charToGlyph(letter);
    drawn.push({ glyph, x });
    x += ((glyph.advanceWidth ?? 0) / font.unitsPerEm) * size;
  }
  const boxes = drawn.map(({ glyph, x }) => glyph.getPath(x, 0, size).getBoundingBox());
  const [left, right] = [Math.min(...boxes.map(({ x1 }) => x1)), Math.max(...boxes.map(({ x2 }) => x2))];
  const [top, bottom] = [Math.min(...boxes.map(({ y1 }) => y1)), Math.max(...boxes.map(({ y2 }) => y2))];
  const scale = Math.min((EDGE * WIDEST) / (right - left), (EDGE * HIGHEST) / (bottom - top));
  const [dx, dy] = [(EDGE - (right + left) * scale) / 2, (EDGE - (top + bottom) * scale) / 2];
  return drawn.map(({ glyph, x }) => glyph.getPath(dx + x * scale, dy, size * scale).toPathData(1)).join("");
}

function ground(shape: Shape, colour: string): string {
  if (shape === "circle")
    return `<circle cx="${EDGE / 2}" cy="${EDGE / 2}" r="${EDGE / 2}" fill="${colour}"/>`;
  const radius = shape === "rounded" ? ` rx="${EDGE / 5}"` : "";
  return `<rect width="${EDGE}" height="${EDGE}"${radius} fill="${colour}"/>`;
}

/** The same letters have the same colour, and different ones mostly another. */
const colourOf = (letters: string): string =>
  colours[(createHash("sha256").update(letters).digest()[0] ?? 0) % colours.length] ?? colours[0];

/** White or black, whichever stands out more; by WCAG's relative luminance. */
function inkOn(colour: string): string {
  const luminance = luminanceOf(colour);
  return 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 ? "#ffffff" : "#000000";
}

function luminanceOf(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

const wrongColour = (colour: string) =>
  new SetupError([
    {
      what: `"${colour}" is no colour.`,
      why: "A logo's ground has one colour, in six digits.",
      remedy: 'Write it as "#0b63ce", in quotes, since shells take # for a comment; or leave --colour out.',
    },
  ]);

const missingLetter = (letter: string, typeface: Typeface) =>
  new SetupError([
    {
      what: `The typeface ${typeface} has no "${letter}".`,
      why: "The bundled typefaces have Latin, Cyrillic and, some of them, Greek letters.",
      remedy: `Try another of ${typefaces.join(", ")} with --typeface, other letters, or a drawing of your own with --logo.`,
    },
  ]);
