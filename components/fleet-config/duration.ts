import { z } from "zod";
import type { Seconds } from "./model.ts";

const units: Record<string, Seconds> = { m: 60, h: 3_600, d: 86_400 };

const pattern = /^([1-9]\d*)([mhd])$/;

/** `7d` as seconds; undefined where the text is no duration. */
export function parseDuration(text: string): Seconds | undefined {
  const [, amount, unit] = pattern.exec(text) ?? [];
  const factor = unit === undefined ? undefined : units[unit];
  return factor === undefined ? undefined : Number(amount) * factor;
}

/** A length of time with its unit, from `least` to `most` seconds; Seconds once parsed. */
export const duration = (least: Seconds, most: Seconds) =>
  z.string().transform((text, context): Seconds => {
    const seconds = parseDuration(text);
    if (seconds !== undefined && seconds >= least && seconds <= most) return seconds;
    context.addIssue({ code: "custom", input: text });
    return z.NEVER;
  });
