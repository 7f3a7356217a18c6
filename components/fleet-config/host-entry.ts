import { isIPv4 } from "node:net";
import { z } from "zod";
import { documentation } from "./documentation.ts";
import { port, portRemedy } from "./network-address.ts";
import { rate, rateRemedy, size, sizeRemedy } from "./size.ts";
import { hostKey, hostKeyRemedy } from "./ssh-key.ts";

const http = z.strictObject({
  address: z.string().refine(isIPv4).prefault("127.0.0.1").register(documentation, {
    description: "Address nginx listens on. Plain HTTP, so keep it on loopback.",
    type: "IPv4 address",
    remedy: "write an IPv4 address of this machine, such as 127.0.0.1",
  }),
  port: port()
    .prefault(8080)
    .register(documentation, { description: "Port nginx listens on.", remedy: portRemedy }),
});

const https = z.strictObject({
  address: z.string().refine(isIPv4).prefault("127.0.0.1").register(documentation, {
    description: "Address nginx listens on for TLS.",
    type: "IPv4 address",
    remedy: "write an IPv4 address of this machine, such as 127.0.0.1",
  }),
  port: port()
    .prefault(8443)
    .register(documentation, { description: "Port nginx listens on for TLS.", remedy: portRemedy }),
});

const address = () => z.string().refine(isIPv4).optional();

const yesOrNo = "write true or false";

/** One entry of `hosts`. Which fields a kind has and needs: {@link kinds}. */
export const hostEntry = z
  .strictObject({
    kind: z.enum(["local", "ssh", "digitalocean"]).register(documentation, {
      description:
        "`local` is the machine the program runs on, `ssh` a Debian 12 or Ubuntu 24.04 server that is there, `digitalocean` a droplet that the stack makes.",
      example: "digitalocean",
      remedy:
        "write local (this machine), ssh (a server that is there) or digitalocean (a droplet that the stack makes)",
    }),
    root: z.string().regex(/^[^~]/).optional().register(documentation, {
      description:
        "Kind `local`: folder of everything the host must not lose: tenants' data, keys, the replicas' database. Relative paths start at the repository. Other kinds have it at /srv/fleet.",
      type: "path",
      default: "`<data home>/<stack>`, that is ~/.local/share/open-webui-infrastructure/local",
      example: "/srv/fleet",
      remedy: "write the path of a folder; a leading ~ is not understood",
    }),
    http: http.optional().register(documentation, {
      description:
        "Kind `local`: where users reach the host's tenants. Other kinds listen on ports 80 and 443.",
      remedy: "write address and port",
    }),
    https: https.optional().register(documentation, {
      description:
        "Kind `local`: where users reach them over TLS. If given, plain HTTP only leads there, and tenants are certified by the stack's own authority, which browsers have to be told to believe: `npm run pulumi -- stack output certificateAuthority`.",
      default: "no TLS",
      example: "{ port: 8443 }",
      remedy: "write address and port, or {} for the defaults, or leave it out",
    }),
    address: address().register(documentation, {
      description: "Kind `ssh`: address of the server, as users and operators reach it.",
      type: "IPv4 address",
      example: "203.0.113.20",
      remedy: "write the server's IPv4 address, such as 203.0.113.20",
    }),
    user: z
      .string()
      .regex(/^[a-z_][a-z0-9_-]{0,31}$/)
      .optional()
      .register(documentation, {
        description:
          "Kind `ssh`: who signs in for the first set-up: root, or a user whose sudo asks nothing. From then on it is qbmgr.",
        default: "root",
        example: "admin",
        remedy: "write a user's name, such as root",
      }),
    hostKey: hostKey().optional().register(documentation, {
      description:
        "Kind `ssh`: public key by which the server is known, its file /etc/ssh/ssh_host_ed25519_key.pub. No connection is made to a server that shows another one.",
      type: "SSH public key",
      example: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHFl",
      remedy: hostKeyRemedy,
    }),
    privateAddress: address().register(documentation, {
      description: "Kind `ssh`: address at which the fleet's other hosts reach it.",
      type: "IPv4 address",
      default: "its `address`",
      example: "10.0.0.5",
      remedy: "write an IPv4 address of the server that the stack's other hosts reach, or leave it out",
    }),
    region: z
      .string()
      .regex(/^[a-z]{3}\d+$/)
      .optional()
      .register(documentation, {
        description: "Kind `digitalocean`: where the droplet stands. Cannot change later.",
        type: "region",
        example: "fra1",
        remedy: "write a region of DigitalOcean, such as fra1, ams3, nyc3 or sgp1",
      }),
    size: z
      .string()
      .regex(/^[a-z]+[a-z0-9.]*(-[a-z0-9.]+)+$/)
      .optional()
      .register(documentation, {
        description:
          "Kind `digitalocean`: the droplet's size. A change restarts the droplet; its data stays.",
        type: "size of a droplet",
        example: "s-4vcpu-8gb",
        remedy: "write a size of DigitalOcean, such as s-2vcpu-4gb or s-4vcpu-8gb",
      }),
    image: z.enum(["debian-12-x64", "ubuntu-24-04-x64"]).optional().register(documentation, {
      description:
        "Kind `digitalocean`: what the droplet is made from. A change alone changes nothing; docs/production.md says how a droplet is made anew.",
      default: "`debian-12-x64`",
      remedy: "write debian-12-x64 or ubuntu-24-04-x64",
    }),
    volume: z
      .string()
      .regex(/^[1-9]\d{0,4}GB$/)
      .transform((text) => Number.parseInt(text, 10))
      .optional()
      .register(documentation, {
        description:
          "Kind `digitalocean`: block storage for everything the host must not lose, which outlives the droplet. It can grow, never shrink.",
        type: "size in GB",
        default: "the droplet's own disk",
        example: "100GB",
        remedy: "write a whole number of GB from 1GB to 16384GB, such as 100GB",
      }),
    reservedIp: z.boolean().optional().register(documentation, {
      description:
        "Kind `digitalocean`: true: users reach the host at an address of its own, which a droplet that is made anew takes over.",
      default: "`true`",
      remedy: yesOrNo,
    }),
    generation: z.int().min(1).max(1_000_000).optional().register(documentation, {
      description:
        "Kind `digitalocean`: which droplet it is, counted from 1. Counted up, the droplet is made anew; volume, address and tenants stay (docs/production.md).",
      default: "`1`",
      remedy: "write a whole number from 1 on, one more than before",
    }),
    swap: size().optional().register(documentation, {
      description: "Kinds `ssh` and `digitalocean`: size of the swap file.",
      type: "size",
      default: "`2GB`",
      remedy: sizeRemedy,
    }),
    agentPort: port().prefault(8050).register(documentation, {
      description:
        "Port of the agent, which lets the sync nodes read the tenants' databases. Of kinds other than `local` only control hosts reach it.",
      remedy: portRemedy,
    }),
    writerPort: port().prefault(8051).register(documentation, {
      description:
        "Port of what writes into the databases of tenants that are synced both ways. It is open where there is such a tenant and nodes run on other hosts, to these alone.",
      remedy: portRemedy,
    }),
    memory: size().optional().register(documentation, {
      description:
        "Memory of the machine. If given, tenants whose reservations add up to more than 70 % of it are refused at preview; stopped tenants count too.",
      type: "size",
      default: "that of the droplet's size; not checked for other kinds",
      example: "8GB",
      remedy: sizeRemedy,
    }),
    syncBandwidth: rate().optional().register(documentation, {
      description:
        "The most that the host's agent sends to the sync nodes, for all tenants together, compressed as it is.",
      type: "size per second",
      default: "not limited",
      example: "10MB/s",
      remedy: rateRemedy,
    }),
  })
  .register(documentation, {
    description: "A machine that runs tenants.",
    remedy: "give it a kind: { kind: local }",
  });

/** An entry as the schema reads it. */
export type HostEntry = z.output<typeof hostEntry>;

type Field = keyof HostEntry;

/** What only some kinds of host have: without `needs` an entry is refused, and with what another kind has. */
export const kinds: Record<HostEntry["kind"], { needs: readonly Field[]; may: readonly Field[] }> = {
  local: { needs: [], may: ["root", "http", "https"] },
  ssh: { needs: ["address", "hostKey"], may: ["user", "privateAddress", "swap"] },
  digitalocean: { needs: ["region", "size"], may: ["image", "volume", "reservedIp", "generation", "swap"] },
};
