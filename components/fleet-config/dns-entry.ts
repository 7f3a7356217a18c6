import { z } from "zod";
import { documentation } from "./documentation.ts";
import { domain } from "./network-address.ts";

const zone = domain().register(documentation, {
  description: "A zone of the Cloudflare account.",
  type: "host name",
  remedy: "write the zone's name, such as acme.example",
});

/** The entry `dns`. */
export const dnsEntry = z.strictObject({
  kind: z.enum(["manual", "cloudflare"]).prefault("manual").register(documentation, {
    description:
      "Who sets the records of tenants' names. `manual`: you do, and every `up` ends with what they have to say. `cloudflare`: the stack does, with the token in `cloudflare:apiToken` or CLOUDFLARE_API_TOKEN. Names of a `local` host get none.",
    remedy: "write manual or cloudflare",
  }),
  zones: z.array(zone).prefault([]).register(documentation, {
    description:
      "Kind `cloudflare`: the zones that the stack may change. Names outside of them stay yours to set. A zone with a proxied tenant is set to believe nobody but certified origins (SSL mode strict) and to speak TLS 1.2 or newer.",
    example: "[acme.example]",
    remedy: "write a list of zones as Cloudflare has them, such as [acme.example]",
  }),
});

/** The longest of the zones that a name lies in. */
export const zoneOf = (name: string, zones: readonly string[]): string | undefined =>
  zones
    .filter((zone) => name === zone || name.endsWith(`.${zone}`))
    .sort((one, other) => other.length - one.length)[0];
