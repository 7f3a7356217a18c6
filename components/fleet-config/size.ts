import { z } from "zod";
import type { Bytes, BytesPerSecond } from "./model.ts";

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

/** `10MB/s` as bytes a second; undefined where the text is no rate. */
export const parseRate = (text: string): BytesPerSecond | undefined =>
  text.endsWith("/s") ? parseSize(text.slice(0, -2)) : undefined;

/** Bytes for a reader: the largest decimal unit that leaves at most two places, `1400000000` as `1.4GB`. */
export function formatSize(bytes: Bytes): string {
  const unit = (["TB", "GB", "MB", "kB"] as const).find((name) => bytes >= (units[name] ?? 1)) ?? "B";
  return `${Number((bytes / (units[unit] ?? 1)).toFixed(2))}${unit}`;
}

/** An amount of memory with its unit; Bytes once parsed. */
export const size = () => positive(parseSize);

/** An amount of data in a second; BytesPerSecond once parsed. */
export const rate = () => positive(parseRate);

const positive = (parse: (text: string) => number | undefined) =>
  z.string().transform((text, context): number => {
    const value = parse(text);
    if (value !== undefined && value > 0) return value;
    context.addIssue({ code: "custom", input: text });
    return z.NEVER;
  });

/** What to do about a size that is refused. */
export const sizeRemedy =
  "write a number with its unit, such as 700MB or 1.4GB (decimal: 1MB is 1,000,000 bytes) or 512MiB (binary: 1,048,576 bytes)";

/** What to do about a rate that is refused. */
export const rateRemedy =
  "write an amount of data a second, such as 10MB/s (decimal: 1MB is 1,000,000 bytes; 100 Mbit/s are 12.5MB/s)";
