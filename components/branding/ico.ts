/** A square PNG and its edge in pixels, at most 256. */
export interface IcoImage {
  edge: number;
  png: Buffer;
}

const headerBytes = 6;
const entryBytes = 16;

/** An .ico that holds PNGs, which every browser in use reads: directory first, then the images. */
export function ico(images: IcoImage[]): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16LE(1, 2); // an icon, not a cursor
  header.writeUInt16LE(images.length, 4);
  let offset = headerBytes + entryBytes * images.length;
  const entries = images.map(({ edge, png }) => {
    const entry = Buffer.alloc(entryBytes);
    // One byte each for width and height, where 0 means 256.
    entry.writeUInt8(edge % 256, 0);
    entry.writeUInt8(edge % 256, 1);
    entry.writeUInt16LE(1, 4); // planes
    entry.writeUInt16LE(32, 6); // bits per pixel
    entry.writeUInt32LE(png.length, 8);
    entry.writeUInt32LE(offset, 12);
    offset += png.length;
    return entry;
  });
  return Buffer.concat([header, ...entries, ...images.map(({ png }) => png)]);
}
