import { z } from "zod";
import { documentation } from "./documentation.ts";

/** Let's Encrypt's directories by the names they go by here. */
const directories = {
  production: "https://acme-v02.api.letsencrypt.org/directory",
  staging: "https://acme-staging-v02.api.letsencrypt.org/directory",
} as const;

/** The entry `acme`. */
export const acmeEntry = z.strictObject({
  directory: z
    .union([z.enum(["production", "staging"]), z.url({ protocol: /^https$/ })])
    .transform((given) => (given === "production" || given === "staging" ? directories[given] : given))
    .prefault("production")
    .register(documentation, {
      description:
        "Who certifies: `production` and `staging` are Let's Encrypt's, of which staging's certificates are believed by nobody and limited hardly at all; or the address of another authority's ACME directory.",
      type: "`production`, `staging` or URL",
      remedy: "write production, staging or the https address of an ACME directory",
    }),
  email: z.email().optional().register(documentation, {
    description: "Whom the authority may write to.",
    type: "e-mail address",
    default: "the first administrator of the host's first tenant",
    example: "operators@example.com",
    remedy: "write an e-mail address such as operators@example.com",
  }),
  root: z
    .string()
    .regex(/-----BEGIN CERTIFICATE-----/)
    .optional()
    .register(documentation, {
      description:
        "Certificate by which the directory itself is believed, PEM, where it is no public authority's.",
      type: "PEM",
      default: "public authorities",
      remedy: "write the certificate's PEM text, or leave it out",
    }),
});
