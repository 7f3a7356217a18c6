import { z } from "zod";
import { documentation, documentationOf } from "./documentation.ts";
import { duration } from "./duration.ts";
import type { BackupsSpec, RepositorySpec } from "./model.ts";
import { port } from "./network-address.ts";
import { refuse } from "./problem.ts";
import { hostKey, hostKeyRemedy } from "./ssh-key.ts";

/** Whose bucket it is where an entry does not say. */
export const defaultS3 = { endpoint: "https://s3.amazonaws.com", region: "us-east-1" };

const setKey = "npm run pulumi -- config set --secret --path backups.repository.key";

const repositoryFields = z.strictObject({
  kind: z.enum(["folder", "s3", "sftp"]).register(documentation, {
    description:
      "`folder`: a folder of each host, for a disk or a network's file system that is mounted there. `s3`: a bucket of S3 or of anything that speaks its protocol. `sftp`: a server that is reached over ssh. A folder on the host's own disk is lost together with what it backs up.",
    remedy: "write folder, s3 or sftp",
  }),
  path: z
    .string()
    .regex(/^\/[\w./ +@-]*[\w.+@-]$/)
    .refine((path) => !path.split("/").includes(".."))
    .optional()
    .register(documentation, {
      description:
        "Kinds `folder` and `sftp`: the folder that holds a repository for each tenant. What it lies in has to be there.",
      type: "absolute path",
      example: "/mnt/backups/fleet",
      remedy: "write an absolute path without .., such as /mnt/backups/fleet",
    }),
  endpoint: z
    .url({ protocol: /^https?$/ })
    .regex(/^https?:\/\/[^/?#@]+$/)
    .optional()
    .register(documentation, {
      description: "Kind `s3`: who keeps the bucket.",
      type: "URL",
      default: "Amazon's",
      example: "https://fra1.digitaloceanspaces.com",
      remedy:
        "write the service's address without the bucket and without a path, such as https://fra1.digitaloceanspaces.com",
    }),
  bucket: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/)
    .optional()
    .register(documentation, {
      description: "Kind `s3`: the bucket. It has to be there.",
      example: "example-fleet-backups",
      remedy: "write the name of a bucket that is there",
    }),
  prefix: z
    .string()
    .regex(/^[\w.-]+(\/[\w.-]+)*$/)
    .optional()
    .register(documentation, {
      description:
        "Kind `s3`: what the repositories' names begin with, for a bucket that holds other things.",
      example: "prod",
      remedy: "write a name without a slash at its ends, such as prod",
    }),
  region: z
    .string()
    .regex(/^[a-z0-9-]{2,40}$/)
    .optional()
    .register(documentation, {
      description: "Kind `s3`: the bucket's region.",
      default: defaultS3.region,
      remedy: "write the region's name, such as eu-central-1",
    }),
  keyId: z
    .string()
    .regex(/^\S{1,128}$/)
    .optional()
    .register(documentation, {
      description: "Kind `s3`: id of the key by which the bucket is used.",
      example: "AKIAEXAMPLE",
      remedy: "write the id of a key that may list, read, write and delete in the bucket",
    }),
  key: z
    .string()
    .min(1)
    .optional()
    .register(documentation, {
      description:
        "Kinds `s3` and `sftp`, encrypted: the secret half of `keyId`, or the private key that signs in, as OpenSSH writes it, without a passphrase. Refused in plain text in the stack's file.",
      type: "secret text",
      example: "{ secure: v1:... }",
      remedy: `encrypt it: ${setKey}`,
      secret: true,
    }),
  address: z
    .string()
    .regex(/^[a-z0-9.:-]+$/i)
    .optional()
    .register(documentation, {
      description: "Kind `sftp`: where the server answers.",
      type: "host name or address",
      example: "backups.example.com",
      remedy: "write the server's name or address",
    }),
  port: port().optional().register(documentation, {
    description: "Kind `sftp`: port of its sshd.",
    default: "22",
    remedy: "write a port from 1 to 65535",
  }),
  user: z
    .string()
    .regex(/^[a-z_][\w.-]{0,31}$/i)
    .optional()
    .register(documentation, {
      description: "Kind `sftp`: who signs in.",
      example: "backups",
      remedy: "write the name of an account of the server",
    }),
  hostKey: hostKey().optional().register(documentation, {
    description:
      "Kind `sftp`: the server's own public key, so that the first connection is verified already.",
    example: "ssh-ed25519 AAAA...",
    remedy: hostKeyRemedy,
  }),
});

type Field = Exclude<keyof z.input<typeof repositoryFields>, "kind">;

/** What each kind has to be told, and what it may be. */
const kinds: Record<RepositorySpec["kind"], { needs: readonly Field[]; may: readonly Field[] }> = {
  folder: { needs: ["path"], may: [] },
  s3: { needs: ["bucket", "keyId", "key"], may: ["endpoint", "prefix", "region"] },
  sftp: { needs: ["address", "user", "path", "hostKey", "key"], may: ["port"] },
};

/** Addresses that no stranger is on the way to. */
const nearby = /^http:\/\/(127\.\d+\.\d+\.\d+|localhost|\[::1\]|10\.|172\.|192\.168\.|198\.18\.)/;

const repository = repositoryFields
  .superRefine(({ kind, ...given }, context) => {
    const { needs, may } = kinds[kind];
    for (const field of needs)
      if (given[field] === undefined)
        refuse(context, {
          at: [field],
          found: `nothing, beside kind: ${kind}`,
          remedy: documentationOf(repositoryFields.shape[field]).remedy,
        });
    for (const field of Object.keys(given) as Field[])
      if (given[field] !== undefined && ![...needs, ...may].includes(field))
        refuse(context, {
          at: [field],
          found: `a value, beside kind: ${kind}`,
          remedy: "write another kind if that was meant, or remove it",
        });
    if (given.endpoint && /^http:/.test(given.endpoint) && !nearby.test(given.endpoint))
      refuse(context, {
        at: ["endpoint"],
        found: "an address without encryption",
        remedy: "write it with https://; plain http is for a server in a private network",
      });
  })
  .transform((entry): RepositorySpec => {
    const {
      path = "",
      bucket = "",
      region = defaultS3.region,
      keyId = "",
      key = "",
      endpoint,
      prefix,
    } = entry;
    const { address = "", port = 22, user = "", hostKey = "" } = entry;
    if (entry.kind === "folder") return { kind: "folder", path };
    if (entry.kind === "sftp") return { kind: "sftp", address, port, user, path, hostKey, key };
    return {
      ...{ kind: "s3", endpoint: endpoint ?? defaultS3.endpoint, bucket, region, keyId, key },
      ...(prefix === undefined ? {} : { prefix }),
    };
  });

const [minute, hour, day] = [60, 3_600, 86_400];

/** The entry `backups`. */
export const backupsEntry = z
  .strictObject({
    repository: repository.register(documentation, {
      description: "Where backups are kept: encrypted, a repository of restic's for each tenant.",
      remedy: "write { kind: folder, path: /mnt/backups/fleet }, or s3 or sftp with their fields",
    }),
    every: duration(15 * minute, 7 * day)
      .prefault("6h")
      .register(documentation, {
        description:
          "How often each tenant is backed up: database, uploads, vector store, settings, secret key.",
        type: "duration",
        remedy: "write a number with its unit, from 15m to 7d, such as 6h",
      }),
    keep: duration(day, 3_650 * day)
      .prefault("30d")
      .register(documentation, {
        description: "How long a backup is kept. The latest one of a tenant is kept however old it is.",
        type: "duration",
        remedy: "write a number with its unit, from 1d to 3650d, such as 30d",
      }),
    drill: duration(hour, 90 * day)
      .prefault("7d")
      .register(documentation, {
        description:
          "How often each tenant's latest backup is restored for a trial. Without a good one within that time a tenant is not shown as protected.",
        type: "duration",
        remedy: "write a number with its unit, from 1h to 90d, such as 7d",
      }),
    postgres: z.int().min(15).max(99).prefault(15).register(documentation, {
      description:
        "Major version of the `pg_dump` that dumps tenants on a Postgres, and of the server that restores them for a trial (`postgres:<version>-bookworm`). It dumps servers of that version and of earlier ones.",
      type: "whole number",
      default: "15",
      remedy: "write the major version of the newest Postgres that a tenant works on, such as 17",
    }),
  })
  .transform((entry): BackupsSpec => entry);
