/** Characters of a text that are shown. */
export const SHOWN = 500;

/** A text as it is shown. */
export interface Shown {
  /** Its beginning, or all of it. */
  text: string;
  /** Characters of all of it. */
  size: number;
}

/** @param size of the whole text, where the given one is its beginning only */
export const shown = (text: string, size: number = text.length): Shown => ({
  // A pair of surrogates is not cut in two: a lone one is no character.
  text: text.slice(0, SHOWN).replace(/[\ud800-\udbff]$/, ""),
  size,
});
