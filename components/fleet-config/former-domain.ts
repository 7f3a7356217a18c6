import { z } from "zod";
import { documentation } from "./documentation.ts";
import { domain } from "./network-address.ts";

/** An entry of `formerDomains`. */
export const formerDomain = z
  .strictObject({
    domain: domain().register(documentation, {
      description: "Host name it had. Unique in the fleet.",
      type: "host name",
      remedy: "write a bare host name such as old.acme.example",
    }),
    until: z.iso.date().register(documentation, {
      description: "Last day, in UTC, on which that name leads to the one it has.",
      type: "day",
      example: '"2027-03-31"',
      remedy: 'write a day in quotes, such as "2027-03-31"',
    }),
  })
  .register(documentation, {
    description: "A name it had.",
    remedy: 'write domain and until: { domain: old.acme.example, until: "2027-03-31" }',
  });
