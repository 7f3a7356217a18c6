import { isIPv4 } from "node:net";
import { z } from "zod";
import { documentation } from "./documentation.ts";
import { refuse } from "./problem.ts";
import { operatorKey, operatorKeyRemedy } from "./ssh-key.ts";

/** An IPv4 network, `203.0.113.7/32`; an address alone is a network of one. */
const network = z
  .string()
  .transform((text, context): string => {
    const [address = "", length = "32", ...rest] = text.split("/");
    const bits = /^\d{1,2}$/.test(length) ? Number(length) : -1;
    if (rest.length > 0 || !isIPv4(address) || bits < 0 || bits > 32) {
      context.addIssue({ code: "custom", input: text });
      return z.NEVER;
    }
    if (bits >= 8) return `${address}/${bits}`;
    refuse(context, {
      found: `"${text}", which is half the world`,
      remedy: "name the addresses that operators come from; port 22 is never open to everybody",
    });
    return z.NEVER;
  })
  .register(documentation, {
    description: "An address, or a network of them.",
    type: "IPv4 address or network",
    remedy: "write an address such as 203.0.113.7, or a network such as 198.51.100.0/24",
  });

/** The entry `operators`. */
export const operatorsEntry = z.strictObject({
  keys: z
    .array(
      operatorKey().register(documentation, {
        description: "A public key.",
        type: "SSH public key",
        remedy: operatorKeyRemedy,
        // Who pastes the wrong half does not see it again.
        secret: true,
      }),
    )
    .prefault([])
    .register(documentation, {
      description:
        "SSH public keys of those who may sign in to the hosts, as qbmgr. The key of whoever runs `up` is one of them.",
      example: '["ssh-ed25519 AAAA… ann@example"]',
      remedy: "write a list of public keys",
    }),
  addresses: z.array(network).prefault([]).register(documentation, {
    description: "Where they come from: the hosts' port 22 is open to these addresses only.",
    example: '["203.0.113.7"]',
    remedy: 'write a list such as ["203.0.113.7", "198.51.100.0/24"]',
  }),
  identity: z
    .string()
    .regex(/^(~\/|\/)[^\s"'$%]+$/)
    .optional()
    .register(documentation, {
      description:
        "Private key with which `up` signs in to the hosts. It stays where it is: neither config nor state ever hold it.",
      type: "path",
      default: "what ssh finds by itself: an agent's keys, then ~/.ssh/id_*",
      example: "~/.ssh/id_ed25519",
      remedy: "write a path that starts with / or ~/, without blanks, or leave it out",
    }),
});
