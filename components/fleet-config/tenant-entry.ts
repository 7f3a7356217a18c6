import { z } from "zod";
import { branding } from "./branding.ts";
import { tenantConflicts } from "./conflicts-entry.ts";
import { connection } from "./connection.ts";
import { direction, directionRemedy } from "./direction-entry.ts";
import { documentation } from "./documentation.ts";
import { environment } from "./environment.ts";
import { formerDomain } from "./former-domain.ts";
import { domain, port, privateEndpoint, subnet } from "./network-address.ts";
import { tenantPorts } from "./placement.ts";
import { refuse } from "./problem.ts";
import { formatSize, size, sizeRemedy } from "./size.ts";
import { tenantDatabase } from "./tenant-database.ts";

/** The Open WebUI version a tenant runs that names none; the one the images here are built and tested with. */
export const defaultVersion = "v0.11.3";

const seconds = { "1m": 60, "5m": 300, "1h": 3_600, "1d": 86_400 } as const;
const yesOrNo = "write true or false";

const admin = z.strictObject({
  email: z.email().register(documentation, {
    description: "Address the first administrator signs in with. The password is generated.",
    type: "e-mail address",
    example: "admin@acme.example",
    remedy: "write an e-mail address such as admin@acme.example",
  }),
  name: z.string().trim().min(1).max(100).prefault("Administrator").register(documentation, {
    description: "Name shown in the application.",
    remedy: "write a name of 1 to 100 characters",
  }),
});

const memory = z
  .strictObject({
    reserved: size().prefault("700MB").register(documentation, {
      description: "Memory kept for the tenant when the host runs short.",
      type: "size",
      remedy: sizeRemedy,
    }),
    limit: size().prefault("1400MB").register(documentation, {
      description: "Memory it can never exceed; the container is killed and started again instead.",
      type: "size",
      remedy: sizeRemedy,
    }),
  })
  .superRefine(({ reserved, limit }, context) => {
    if (limit >= reserved) return;
    refuse(context, {
      at: ["limit"],
      found: `${formatSize(limit)}, less than the ${formatSize(reserved)} reserved`,
      remedy: `raise the limit to ${formatSize(reserved)} or more, or lower memory.reserved`,
    });
  });

const sync = z.strictObject({
  interval: z
    .enum(["1m", "5m", "1h", "1d"])
    .transform((interval) => seconds[interval])
    .prefault("5m")
    .register(documentation, {
      description: "How often the tenant's database is brought over to its replica.",
      remedy: "choose 1m, 5m, 1h or 1d",
    }),
  paused: z.boolean().prefault(false).register(documentation, {
    description:
      "True: the replica stays as it is, until this is false again or an operator resumes it. Only a change of this takes effect: an operator's pause stays while it says the same.",
    remedy: yesOrNo,
  }),
  direction: direction().optional().register(documentation, {
    description:
      "`both`: edits that others make in its replica, and that win, are written into its own database, by a writer that runs on its host for such tenants alone.",
    default: "the fleet's",
    remedy: directionRemedy,
  }),
  conflicts: tenantConflicts.prefault({}).register(documentation, {
    description: "How conflicts in its replica are decided, where it is not as `sync.conflicts` says.",
    remedy: "write default and tables, or leave it out",
  }),
});

/** One entry of `tenants`. */
export const tenantEntry = z
  .strictObject({
    host: z.string().register(documentation, {
      description: "Host it runs on, a name under `hosts`.",
      example: "local",
      remedy: "name one of the hosts",
    }),
    domain: domain().register(documentation, {
      description: "Host name users open. Unique in the fleet.",
      type: "host name",
      example: "acme.localhost",
      remedy:
        "write a bare host name such as chat.acme.example: no scheme, port or path, and international names in their xn-- form",
    }),
    formerDomains: z.array(formerDomain).prefault([]).register(documentation, {
      description:
        "Names it had before. Each leads to the one it has, with the whole path, until its day is over; the first `up` behind that day ends it.",
      example: '[{ domain: old.acme.example, until: "2027-03-31" }]',
      remedy: "write a list of entries with domain and until",
    }),
    proxied: z.boolean().prefault(false).register(documentation, {
      description:
        "True: users come by way of Cloudflare's proxy, and nobody else is let in: its host takes connections for this name from Cloudflare's networks alone, and from those with the stack's own client certificate alone. Cloudflare then certifies the site.",
      remedy: yesOrNo,
    }),
    certificate: z.enum(["acme", "self-signed"]).optional().register(documentation, {
      description:
        "Who certifies its site: `acme`, the authority of the stack's `acme`, which has to reach the host at port 80; `self-signed`, the stack's own, which browsers warn of. A proxied site is certified by Cloudflare.",
      default: "`acme` where the stack has it and the host is not `local`, else `self-signed`",
      remedy: "write acme or self-signed, or leave it out",
    }),
    running: z.boolean().prefault(true).register(documentation, {
      description: "False: its container is not there, its data stays.",
      remedy: yesOrNo,
    }),
    version: z
      .string()
      .regex(/^v\d+\.\d+\.\d+(-[a-z0-9.]+)?$/)
      .optional()
      .register(documentation, {
        description: "Version of Open WebUI, a tag of its image.",
        default: `\`${defaultVersion}\``,
        example: defaultVersion,
        remedy: `write a release with its v, such as ${defaultVersion}`,
      }),
    image: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.:/_-]*(:[\w.-]+)?(@sha256:[0-9a-f]{64})?$/)
      .optional()
      .register(documentation, {
        description: "Full reference of the image, instead of `version`: another registry, or a digest.",
        type: "image reference",
        default: "`ghcr.io/open-webui/open-webui:<version>`",
        example: "registry.example.com/open-webui:v0.11.3",
        remedy: "write an image reference such as ghcr.io/open-webui/open-webui:v0.11.3",
      }),
    port: port(tenantPorts.first, tenantPorts.last)
      .optional()
      .register(documentation, {
        description: "Port on the host's loopback that nginx passes on to.",
        default: "follows from the tenant's name",
        example: "18001",
        remedy: `write a port from ${tenantPorts.first} to ${tenantPorts.last}, or leave it out`,
      }),
    subnet: subnet().optional().register(documentation, {
      description: "Network of its container.",
      type: "a /28 of 10.128.0.0/9",
      default: "follows from the tenant's name",
      example: "10.130.0.16/28",
      remedy:
        "write an aligned /28 of 10.128.0.0/9, such as 10.130.0.16/28 (the last number is a multiple of 16), or leave it out",
    }),
    admin: admin.register(documentation, {
      description: "The first administrator.",
      remedy: "write an entry with email: { email: admin@acme.example }",
    }),
    branding: branding().optional().register(documentation, {
      description: "The tenant's own look; without it the tenant shows Open WebUI's.",
      remedy: "write logo and basis, and name if you like",
    }),
    connections: z.array(connection()).prefault([]).register(documentation, {
      description: "Model servers, the first one first in the application.",
      remedy: "write a list of entries with url and key",
    }),
    privateEndpoints: z.array(privateEndpoint()).prefault([]).register(documentation, {
      description:
        "Exceptions to the rule that a tenant reaches no private address: model servers of your own.",
      example: '["10.1.2.3:8000"]',
      remedy: 'write a list such as ["10.1.2.3:8000"]',
    }),
    database: tenantDatabase().optional().register(documentation, {
      description:
        "A Postgres that the tenant's application works on instead of its SQLite file. `npx fleet promote` fills one and writes this (docs/promotion.md). The tenant's replica then stays as it is, and is synced no more.",
      default: "the SQLite file in its data directory",
      remedy: "write kind, url and password, or leave it out",
    }),
    persistSettings: z.boolean().prefault(false).register(documentation, {
      description:
        "True: settings that administrators make inside the application win over this file. False: they last until the next restart.",
      remedy: yesOrNo,
    }),
    environment: environment().prefault({}).register(documentation, {
      description: "Further environment variables of Open WebUI. Those that the fleet sets are refused.",
      example: '{ ENABLE_WEB_SEARCH: "true" }',
      remedy: "write names and texts",
    }),
    memory: memory.prefault({}).register(documentation, {
      description: "Memory of its container.",
      remedy: "write reserved and limit",
    }),
    cpus: z.number().min(0.1).max(256).prefault(1).register(documentation, {
      description: "Processors it may use at most; fractions are fine.",
      remedy: "write a number from 0.1 to 256",
    }),
    pids: z.int().min(64).max(32_768).prefault(512).register(documentation, {
      description: "Processes and threads it may have at most.",
      remedy: "write a whole number from 64 to 32768",
    }),
    sync: sync.prefault({}).register(documentation, {
      description: "The replica of its database.",
      remedy: "write interval, paused, direction and conflicts",
    }),
    restore: z.literal("replica").optional().register(documentation, {
      description:
        "What becomes of a data directory that holds no database while a replica holds rows. `replica`: the database is rebuilt from it, proven equal to what was last verified, before the container starts. Does nothing where there is a database.",
      default: "the tenant is not started",
      remedy: "write replica, or leave it out",
    }),
    fresh: z.boolean().prefault(false).register(documentation, {
      description:
        "True: where there is no database the tenant starts empty, whatever its replica holds; that replica is then held until `npm run sync -- <name> --accept`. Take it out once the tenant runs.",
      remedy: yesOrNo,
    }),
  })
  .register(documentation, {
    description: "One organisation's Open WebUI.",
    remedy: "give it at least host, domain and admin",
  });
