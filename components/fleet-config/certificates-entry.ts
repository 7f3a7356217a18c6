import { z } from "zod";
import { documentation } from "./documentation.ts";

/** The entry `certificates`. */
export const certificatesEntry = z.strictObject({
  generation: z.int().min(1).max(1_000_000).prefault(1).register(documentation, {
    description:
      "Which authority issues, counted from 1. A higher number rotates it, and every key with it, while everything runs; `npm run rotate` writes it.",
    remedy: "write a whole number from 1 on, one more than before",
  }),
});
