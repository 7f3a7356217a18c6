import { type Type, text } from "../plugin/types.ts";

/** Slugs of regions and sizes: the API knows them in lower case only. */
export const slug: Type<string> = {
  ...text,
  fulfils: (is, asked) => String(is ?? "").toLowerCase() === String(asked).toLowerCase(),
};
