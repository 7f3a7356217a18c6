import { readFile } from "node:fs/promises";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { brandFiles, brandImages } from "../../../components/branding/brand-file.ts";
import { renderBrand } from "../../../components/branding/render.ts";

/** A red square in any raster format sharp writes. */
const square = (format: "png" | "jpeg" | "webp") =>
  sharp({ create: { width: 300, height: 200, channels: 3, background: "#ff0000" } })
    .toFormat(format)
    .toBuffer();

/** A brand of a square, rendered once for all tests that look at it. */
const brands = new Map<string, ReturnType<typeof renderBrand>>();
async function brandOfSquare(format: "png" | "jpeg" | "webp"): ReturnType<typeof renderBrand> {
  const brand = brands.get(format) ?? renderBrand(await square(format), 'Acme "AI"');
  brands.set(format, brand);
  return brand;
}

describe("a brand", () => {
  it("is every file Open WebUI serves, each in its size, from one SVG", async () => {
    const files = await renderBrand(await readFile("examples/logos/acme.svg"), "Acme AI");
    expect([...files.keys()].sort()).toEqual([...brandFiles].sort());
    for (const [file, { edge }] of Object.entries(brandImages)) {
      const { format, width, height } = await sharp(files.get(file)).metadata();
      expect({ file, format, width, height }).toEqual({ file, format: "png", width: edge, height: edge });
    }
  });

  it.each(["png", "jpeg", "webp"] as const)("can be made from a %s", async (format) => {
    const files = await brandOfSquare(format);
    const { data, info } = await sharp(files.get("logo.png")).raw().toBuffer({ resolveWithObject: true });
    const pixel = (x: number, y: number) => [
      ...data.subarray((y * info.width + x) * 4, (y * info.width + x) * 4 + 4),
    ];
    const [red = 0, green = 0, blue = 0, alpha] = pixel(250, 250);
    expect(red).toBeGreaterThan(250);
    expect(green + blue).toBeLessThan(10);
    expect(alpha).toBe(255);
    // Wider than high: what is missing to a square stays clear.
    expect(pixel(250, 10)[3]).toBe(0);
  });

  it.each(["apple-touch-icon.png", "web-app-manifest-192x192.png", "web-app-manifest-512x512.png"])(
    "has no clear pixel in %s, where platforms would show black",
    async (file) => {
      const files = await brandOfSquare("png");
      expect((await sharp(files.get(file)).stats()).isOpaque).toBe(true);
      // Not to the edge either, since some cut it round.
      expect([...(await sharp(files.get(file)).raw().toBuffer()).subarray(0, 4)]).toEqual([
        255, 255, 255, 255,
      ]);
    },
  );

  it("serves no SVG an operator gave, only a picture of it", async () => {
    const logo = Buffer.from(
      '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect id="own" width="9" height="9"/></svg>',
    );
    const favicon = (await renderBrand(logo, "Acme AI")).get("favicon.svg")?.toString() ?? "";
    expect(favicon).toMatch(
      /^<svg [^>]*><image [^>]*href="data:image\/png;base64,[A-Za-z0-9+/=]+"\/><\/svg>\n$/,
    );
  });

  it("carries its name into the manifest", async () => {
    const manifest = (await brandOfSquare("png")).get("site.webmanifest")?.toString() ?? "";
    expect(JSON.parse(manifest)).toMatchObject({
      name: 'Acme "AI"',
      icons: [{ sizes: "192x192" }, { sizes: "512x512" }],
    });
  });

  it("cannot be made from what is no image", async () => {
    await expect(renderBrand(Buffer.from("hello"), "Acme AI")).rejects.toThrow(
      "The logo cannot be read as an image. No brand file was changed. Remedy: save it as SVG, PNG, JPEG or WebP.",
    );
  });
});
