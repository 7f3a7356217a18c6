import sharp from "sharp";

/** Edges at which the icon is shown, as tabs, bookmarks and home screens do. */
const edges = [192, 96, 48, 16];
const margin = 32;
const large = 320;

/** A PNG that shows a brand to people: the logo on light and on dark, and its icon in every size it will have. */
export async function brandSheet(brand: ReadonlyMap<string, Buffer>): Promise<Buffer> {
  const logo = brand.get("logo.png");
  const icon = brand.get("favicon.png");
  const height = large + 2 * margin;
  const column = large + 2 * margin;
  const icons = edges.reduce((sum, edge) => sum + edge + margin, margin);
  const half = (left: number, background: string) => ({
    input: { create: { width: column, height, channels: 3 as const, background } },
    ...{ left, top: 0 },
  });
  const scaled = (image: Buffer | undefined, edge: number) =>
    sharp(image).resize(edge, edge).png().toBuffer();
  const shown = await scaled(logo, large);
  let left = 2 * column + margin;
  const small = [];
  for (const edge of edges) {
    small.push({ input: await scaled(icon, edge), left, top: height - margin - edge });
    left += edge + margin;
  }
  return sharp({ create: { width: 2 * column + icons, height, channels: 3, background: "#ffffff" } })
    .composite([
      ...[half(0, "#ffffff"), half(column, "#171717")],
      ...[0, column].map((from) => ({ input: shown, left: from + margin, top: margin })),
      ...small,
    ])
    .png()
    .toBuffer();
}
