import * as z from "zod";
import { ApiProblem } from "./problem.ts";

/** A tenant's id: a DNS label of at most 40 characters, as the stack's config has it. */
export const TenantId = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/, "Not a tenant's id");

/** The path of a route about one tenant. */
export const TenantPath = z.object({ tenant: TenantId });

/** Nothing is known of a tenant under that name. */
export const unknownTenant = (tenant: string): ApiProblem =>
  new ApiProblem("unknown-tenant", `This cluster has no tenant ${tenant}.`);
