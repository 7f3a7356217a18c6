import * as z from "zod";

/** Where a tenant's rows go: from its database into the replica, or decided edits of the replica back as well. */
export const Direction = z.enum(["one-way", "both"]);
export type Direction = z.infer<typeof Direction>;
