import sharp from "sharp";
import { type BrandImage, brandImages } from "./brand-file.ts";
import { ico } from "./ico.ts";
import { checkedLogo, LogoError } from "./logo.ts";

/** Edges of the images inside favicon.ico. */
const icoEdges = [16, 32, 48];

/** More pixels than any logo has and fewer than would fill the memory. */
const limitInputPixels = 64 * 2 ** 20;

/** Black that nobody sees. */
const clear = "#00000000";

/**
 * Every file of a brand, by name, from one logo in SVG, PNG, JPEG or WebP.
 *
 * @throws {@link LogoError} when the logo is none of these or reaches outside itself.
 */
export async function renderBrand(logo: Buffer, name: string): Promise<Map<string, Buffer>> {
  const master = await rasterised(checkedLogo(logo));
  const files = new Map<string, Buffer>();
  for (const [file, image] of Object.entries(brandImages)) files.set(file, await rendered(master, image));
  const icons = icoEdges.map(async (edge) => ({ edge, png: await rendered(master, { edge, fill: 1 }) }));
  files.set("favicon.ico", ico(await Promise.all(icons)));
  files.set("favicon.svg", svgAround(await rendered(master, { edge: 256, fill: 1 })));
  files.set("site.webmanifest", webManifest(name));
  return files;
}

/** The logo once as pixels: an SVG is parsed a single time, at a density that suits the largest image. */
async function rasterised(logo: Buffer): Promise<Buffer> {
  try {
    const { width = 512, height = 512 } = await sharp(logo, { limitInputPixels }).metadata();
    const density = Math.min(2400, Math.max(72, (72 * 1024) / Math.max(width, height)));
    const inside = { width: 1024, height: 1024, fit: "inside" as const };
    return await sharp(logo, { limitInputPixels, density }).rotate().resize(inside).png().toBuffer();
  } catch (cause) {
    const error = new LogoError("cannot be read as an image", "save it as SVG, PNG, JPEG or WebP");
    error.cause = cause;
    throw error;
  }
}

/** The logo in the middle of a square. */
async function rendered(master: Buffer, { edge, fill, background = clear }: BrandImage): Promise<Buffer> {
  const inner = Math.round(edge * fill);
  const input = await sharp(master)
    .resize({ width: inner, height: inner, fit: "contain", background: clear })
    .toBuffer();
  const square = sharp({ create: { width: edge, height: edge, channels: 4, background } });
  return square
    .composite([{ input, gravity: "centre" }])
    .png({ compressionLevel: 9 })
    .toBuffer();
}

/** An SVG that only shows a PNG: whatever the logo's own SVG holds is never served to a browser. */
const svgAround = (png: Buffer): Buffer =>
  Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 256 256"><image width="256" height="256" href="data:image/png;base64,${png.toString("base64")}"/></svg>\n`,
  );

const webManifest = (name: string): Buffer => {
  const icon = (edge: number) => ({
    src: `/static/web-app-manifest-${edge}x${edge}.png`,
    sizes: `${edge}x${edge}`,
    type: "image/png",
    purpose: "maskable",
  });
  const colours = { theme_color: "#ffffff", background_color: "#ffffff" };
  const manifest = {
    name,
    short_name: name,
    icons: [icon(192), icon(512)],
    ...colours,
    display: "standalone",
  };
  return Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`);
};
