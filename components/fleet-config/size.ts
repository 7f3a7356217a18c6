import { z } from "zod";
import type { Bytes } from "./model.ts";

const units: Record<string, number> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

const pattern = /^(\d+(?:\.\d+)?) ?([kKMGT]?i?B)$/;

/** `1.4GB` as bytes; undefined where the text is no size. MB is 1,000,000 bytes, MiB is 1,048,576. */
export function parseSize(text: string): Bytes | undefined {
  const [, amount, unit] = pattern.exec(text) ?? [];
  const factor = unit === undefined ? undefined : units[unit];
  return factor === undefined ? undefined : Math.round(Number(amount) * factor);
}

/** Bytes for a reader: the largest decimal unit that leaves at most two places, `1400000000` as `1.4GB`. */
export function formatSize(bytes: Bytes): string {
  const unit = (["TB", "GB", "MB", "kB"] as const).find((name) => bytes >= (units[name] ?? 1)) ?? "B";
  return `${Number((bytes / (units[unit] ?? 1)).toFixed(2))}${unit}`;
}

/** An amount of memory with its unit; Bytes once parsed. */
export const size = () =>
  z.string().transform((text, context): Bytes => {
    const bytes = parseSize(text);
    if (bytes !== undefined && bytes > 0) return bytes;
    context.addIssue({ code: "custom", input: text });
    return z.NEVER;
  });

/** What to do about a size that is refused. */
export const sizeRemedy =
  "write a number with its unit, such as 700MB or 1.4GB (decimal: 1MB is 1,000,000 bytes) or 512MiB (binary: 1,048,576 bytes)";
