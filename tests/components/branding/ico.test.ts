import { describe, expect, it } from "vitest";
import { ico } from "../../../components/branding/ico.ts";

describe("an .ico", () => {
  it("is a directory that says where each image lies, and then the images", () => {
    const images = [
      { edge: 16, png: Buffer.from("first") },
      { edge: 256, png: Buffer.from("second") },
    ];
    const file = ico(images);
    expect(file.subarray(0, 6)).toEqual(Buffer.from([0, 0, 1, 0, 2, 0]));
    images.forEach(({ edge, png }, index) => {
      const entry = file.subarray(6 + 16 * index, 22 + 16 * index);
      const [length, offset] = [entry.readUInt32LE(8), entry.readUInt32LE(12)];
      expect([entry[0], entry[1], entry.readUInt16LE(6)]).toEqual([edge % 256, edge % 256, 32]);
      expect(file.subarray(offset, offset + length)).toEqual(png);
    });
  });
});
