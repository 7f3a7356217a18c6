import { randomBytes } from "node:crypto";
import { replaces, resource } from "../plugin/resource.ts";
import { map, number, text } from "../plugin/types.ts";

/** Secret bytes, in Base64 and in hexadecimal. */
export const bytes = resource<undefined>()({
  inputs: { length: replaces(number, { required: true }), keepers: replaces(map(text)) },
  outputs: ["base64", "hex"],
  create: async ({ length }) => {
    const value = randomBytes(length);
    return { id: "none", state: { base64: value.toString("base64"), hex: value.toString("hex") } };
  },
  delete: async () => {},
});
