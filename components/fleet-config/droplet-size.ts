import type { Bytes } from "./model.ts";

/** Memory of a droplet by its size's name: `s-4vcpu-8gb` has 8 GiB. Undefined where the name does not say it. */
export function memoryOf(size: string | undefined): Bytes | undefined {
  const [, amount, unit] = /-(\d+)(mb|gb)\b/.exec(size ?? "") ?? [];
  return amount === undefined ? undefined : Number(amount) * 2 ** (unit === "gb" ? 30 : 20);
}
