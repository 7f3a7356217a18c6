import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { checkedLogo } from "../../../components/branding/logo.ts";
import { renderBrand } from "../../../components/branding/render.ts";
import { type LetterLogo, letterLogo, type shapes } from "../../../fleet/branding/letter-logo.ts";
import { holds, typefaces } from "../../../fleet/branding/typeface.ts";

/** The logo's pixels, 128 on each edge. */
const pixels = async (logo: LetterLogo) =>
  sharp(Buffer.from(await letterLogo(logo)))
    .resize(128, 128)
    .ensureAlpha()
    .raw()
    .toBuffer();
const at = (raw: Buffer, x: number, y: number) => [...raw.subarray((y * 128 + x) * 4, (y * 128 + x) * 4 + 4)];

/** Columns and rows that the ink takes, of 128. */
async function inked(logo: LetterLogo) {
  const raw = await pixels({ ...logo, colour: "#000000", shape: "square" });
  const places = [...Array(128 * 128).keys()].filter((index) => (raw[index * 4] ?? 0) > 128);
  const x = places.map((index) => index % 128);
  const y = places.map((index) => Math.floor(index / 128));
  return { left: Math.min(...x), right: Math.max(...x), top: Math.min(...y), bottom: Math.max(...y) };
}

describe("a logo of letters", () => {
  test.each(typefaces)("stands in the middle and fills it, in %s", async (typeface) => {
    for (const letters of ["A", "AC", "Wi", "Ä", "ЖЩ", "7"]) {
      const { left, right, top, bottom } = await inked({ letters, typeface });
      expect(Math.abs(left - (127 - right)), letters).toBeLessThanOrEqual(2);
      expect(Math.abs(top - (127 - bottom)), letters).toBeLessThanOrEqual(2);
      expect(Math.max((right - left) / 0.62, (bottom - top) / 0.42), letters).toBeGreaterThan(120);
    }
  });

  test("stands on what was chosen", async () => {
    const corner = async (shape: (typeof shapes)[number]) =>
      at(await pixels({ letters: "A", shape, colour: "#0b63ce" }), 1, 1)[3];
    expect(await corner("square")).toBe(255);
    expect(await corner("rounded")).toBe(0);
    expect(await corner("circle")).toBe(0);
    expect(at(await pixels({ letters: "A", shape: "circle", colour: "#0b63ce" }), 64, 6)).toEqual([
      11, 99, 206, 255,
    ]);
  });

  test("is written in white on dark and in black on light", async () => {
    expect(await letterLogo({ letters: "A", colour: "#000080" })).toContain('<path fill="#ffffff"');
    expect(await letterLogo({ letters: "A", colour: "#ffee88" })).toContain('<path fill="#000000"');
  });

  test("is the same for the same letters, and holds nothing but paths", async () => {
    const logo = await letterLogo({ letters: "AC" });
    expect(logo).toBe(await letterLogo({ letters: "AC" }));
    expect(logo).toMatch(
      /^<svg xmlns="[^"]+" viewBox="0 0 512 512"><rect [^<>]+\/><path [^<>]+\/><\/svg>\n$/,
    );
    expect(checkedLogo(Buffer.from(logo)).length).toBeLessThan(20_000);
  });

  test("is what all brand files are made from", async () => {
    const files = await renderBrand(Buffer.from(await letterLogo({ letters: "AC" })), "Acme AI");
    expect(await sharp(files.get("favicon.png")).metadata()).toMatchObject({ width: 512, height: 512 });
  });

  test("is not made of what is no letter", async () => {
    for (const letters of ["", "ABC", "A!", "<a", "🙂", " A", "A\u0301\u0301"])
      await expect(letterLogo({ letters }), letters).rejects.toThrow(/is not one or two letters/);
  });

  test("tells of a letter that the typeface has not", async () => {
    await expect(letterLogo({ letters: "あ" })).rejects.toThrow('The typeface sans has no "あ"');
  });

  test("is not made on what is no colour", async () => {
    for (const colour of ["red", "#fff", '#ffffff"/><script>'])
      await expect(letterLogo({ letters: "A", colour })).rejects.toThrow("is no colour");
  });
});

test("a range holds its ends and what is between", () => {
  const ranges = "U+0041-0043, U+0061";
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 200 }), (point) => {
      expect(holds(ranges, point)).toBe([0x41, 0x42, 0x43, 0x61].includes(point));
    }),
  );
});
