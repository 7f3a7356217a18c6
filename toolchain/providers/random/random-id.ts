import { randomBytes } from "node:crypto";
import { replaces, resource } from "../plugin/resource.ts";
import { map, number, text } from "../plugin/types.ts";

/** Bytes for names: in Base64, Base64url, hexadecimal and decimal, each after the prefix. Its id is the Base64url. */
export const id = resource<undefined>()({
  inputs: {
    byteLength: replaces(number, { required: true }),
    keepers: replaces(map(text)),
    prefix: replaces(text),
  },
  outputs: ["b64Std", "b64Url", "dec", "hex"],
  create: async ({ byteLength, prefix = "" }) => {
    const value = randomBytes(byteLength);
    const hex = value.toString("hex");
    return {
      id: value.toString("base64url"),
      state: {
        b64Std: prefix + value.toString("base64"),
        b64Url: prefix + value.toString("base64url"),
        dec: prefix + BigInt(`0x${hex || "0"}`).toString(),
        hex: prefix + hex,
      },
    };
  },
  delete: async () => {},
});
