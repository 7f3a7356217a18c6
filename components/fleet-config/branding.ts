import { z } from "zod";
import { documentation } from "./documentation.ts";

/** Why a basis is asked for, and the three there are. */
const basisRemedy =
  "clause 4 of Open WebUI's licence forbids changing its branding unless one of these holds, so say which: up-to-50-users (at most 50 end users in any 30 days, over all your tenants), written-permission (Open WebUI's authors allowed it in writing) or enterprise-licence (you bought one); without any, remove branding";

/** A tenant's own look, which Open WebUI's licence allows on a declared basis only. */
export const branding = () =>
  z.strictObject({
    logo: z
      .string()
      .regex(/\.(svg|png|jpe?g|webp)$/i)
      .register(documentation, {
        description:
          "Logo, a file whose path starts at the repository. Every icon, splash screen and logo is made from it.",
        type: "path of an svg, png, jpg or webp file",
        example: "examples/logos/acme.svg",
        remedy: "name an svg, png, jpg or webp file, by its path from the repository's root",
      }),
    name: z.string().trim().min(1).max(60).optional().register(documentation, {
      description:
        'Product name in the title and on the sign-in page; Open WebUI appends " (Open WebUI)" to it.',
      default: "Open WebUI",
      example: "Acme AI",
      remedy: "write a name of 1 to 60 characters",
    }),
    basis: z.enum(["up-to-50-users", "written-permission", "enterprise-licence"]).register(documentation, {
      description: "Why Open WebUI's licence allows this tenant its own branding (clause 4).",
      example: "up-to-50-users",
      remedy: basisRemedy,
    }),
    users: z.int().min(1).optional().register(documentation, {
      description:
        "How many users a written permission or an enterprise licence covers; an alert tells when there are more. Up to 50 users means 50, over all tenants on that basis together.",
      default: "not limited",
      example: "200",
      remedy: "write how many users the permission or the licence covers, or leave it out",
    }),
  });
