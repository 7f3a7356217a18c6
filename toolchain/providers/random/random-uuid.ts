import { randomUUID } from "node:crypto";
import { replaces, resource } from "../plugin/resource.ts";
import { map, text } from "../plugin/types.ts";

/** A version 4 UUID; its id is the value itself. */
export const uuid = resource<undefined>()({
  inputs: { keepers: replaces(map(text)) },
  outputs: ["result"],
  create: async () => {
    const result = randomUUID();
    return { id: result, state: { result } };
  },
  delete: async () => {},
});
