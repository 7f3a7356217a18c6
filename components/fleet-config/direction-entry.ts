import { z } from "zod";

/** Where a tenant's rows go. */
export const direction = () => z.enum(["one-way", "both"]);

export const directionRemedy = "write one-way, or both where edits of the replica are to reach the tenant";
