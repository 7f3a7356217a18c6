/** What is used of opentype.js, which brings no types; those of others declare a browser's globals. */
declare module "opentype.js" {
  export interface Path {
    getBoundingBox(): { x1: number; y1: number; x2: number; y2: number };
    toPathData(decimals: number): string;
  }
  export interface Glyph {
    advanceWidth?: number;
    getPath(x: number, y: number, size: number): Path;
  }
  export interface Font {
    unitsPerEm: number;
    /** 0 where the font has no such letter. */
    charToGlyphIndex(letter: string): number;
    charToGlyph(letter: string): Glyph;
  }
  const opentype: { parse(file: ArrayBuffer): Font };
  export default opentype;
}
