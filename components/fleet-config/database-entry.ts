import { z } from "zod";
import { documentation, documentationOf } from "./documentation.ts";
import type { DatabaseSpec, ExternalDatabaseSpec } from "./model.ts";
import { port } from "./network-address.ts";
import { refuse } from "./problem.ts";

const setPassword = "npm run pulumi -- config set --secret --path 'sync.database.password'";

/** Ports where nothing else is said: of the embedded server on loopback, and of any Postgres. */
const usualPort = { embedded: 15_432, external: 5432 } as const;

/** Fields of an entry, before it is known which of them belong together. */
export const databaseFields = z.strictObject({
  kind: z.enum(["embedded", "external"]).prefault("embedded").register(documentation, {
    description:
      "`embedded` is a Postgres container on the control host; `external` one that somebody else runs, such as Supabase (docs/supabase.md). The other fields, `port` aside, belong to `external`.",
    remedy: "write embedded, or external with host, user, password and ca",
  }),
  host: z
    .string()
    .regex(/^[a-z0-9.:-]+$/i)
    .optional()
    .register(documentation, {
      description:
        "Where the external server, or its pooler in session mode, answers; as its certificate names it.",
      type: "host name or address",
      example: "aws-0-eu-central-1.pooler.supabase.com",
      remedy: "write the server's name as its certificate has it, such as db.example.com",
    }),
  port: port().optional().register(documentation, {
    description: "Embedded: port on the control host's loopback. External: port of the server.",
    default: "15432; external: 5432",
    remedy:
      "write a port from 1 to 65535; an embedded database needs one that nothing else on the host listens on",
  }),
  database: z
    .string()
    .regex(/^[^\s"]{1,63}$/)
    .optional()
    .register(documentation, {
      description:
        "Name of the external database. It has to be there; the fleet keeps to schemas of its own in it.",
      default: "postgres",
      remedy: "write the name of a database that is there, such as postgres",
    }),
  user: z
    .string()
    .regex(/^[^\s."]{1,63}(\.[^\s"]+)?$/)
    .optional()
    .register(documentation, {
      description:
        "Whom `up` signs in as: a role that may create roles and owns the database. No superuser is needed. What stands behind a dot (`postgres.abcdefgh`, as Supabase's pooler wants it) is added to every other login's name too.",
      example: "postgres.abcdefghijklmnopqrst",
      remedy:
        "write the administrator's login, such as postgres, or postgres.<project reference> through a pooler",
    }),
  password: z
    .string()
    .min(1)
    .optional()
    .register(documentation, {
      description: "Its password, encrypted. Refused in plain text in the stack's file.",
      type: "secret text",
      example: "{ secure: v1:... }",
      remedy: `encrypt it: ${setPassword}`,
      secret: true,
    }),
  ca: z.string().min(1).optional().register(documentation, {
    description:
      "Certificate of the authority that signed the external server's: the path of a PEM file, or the PEM text itself. The connection is always encrypted, and the server's certificate and name are always checked.",
    type: "path or PEM",
    example: "certificates/supabase.crt",
    remedy:
      "download the authority's certificate from whoever runs the server, and write the path of that file",
  }),
});

/** What an external database has to be given. */
const required = ["host", "user", "password", "ca"] as const;

/** The entry `sync.database`. */
export const databaseEntry = databaseFields
  .superRefine(({ kind, ...given }, context) => {
    for (const name of required)
      if (kind === "external" && given[name] === undefined)
        refuse(context, {
          at: [name],
          found: "nothing, beside kind: external",
          remedy: documentationOf(databaseFields.shape[name]).remedy,
        });
    for (const name of [...required, "database"] as const)
      if (kind === "embedded" && given[name] !== undefined)
        refuse(context, {
          at: [name],
          found: "a value, beside kind: embedded",
          remedy: "write kind: external if the database is somebody else's server, or remove it",
        });
  })
  .transform((entry): DatabaseEntry => {
    const { kind, host = "", user = "", password = "", ca = "", database = "postgres" } = entry;
    const port = entry.port ?? usualPort[kind];
    return kind === "embedded" ? { kind, port } : { kind, host, port, database, user, password, ca };
  });

/** As {@link DatabaseSpec}, with the authority as it was written. */
type DatabaseEntry =
  | Exclude<DatabaseSpec, ExternalDatabaseSpec>
  | (Omit<ExternalDatabaseSpec, "ca"> & { ca: string });
