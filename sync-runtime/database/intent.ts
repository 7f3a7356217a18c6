import * as z from "zod";
import { Conflicts } from "./conflicts.ts";
import { Connection } from "./connection.ts";
import { Direction } from "./direction.ts";

/** An id as the stack's config allows it: a DNS label of at most 40 characters. */
const label = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/, "a DNS label of at most 40 characters");

/** Where a program of a host answers (`host:port`), and the URI its certificate must carry. */
const door = z.strictObject({ address: z.string().regex(/^[^/\s]+:\d+$/), identity: z.string().min(1) });

/** What the stack's config declares, as far as the nodes need to know it. */
export const Intent = z
  .strictObject({
    cluster: label,
    /**
     * For all of them: how often a replica is verified row by row, and how long tombstones are kept, in seconds; how many
     * failures in a row put a tenant into quarantine.
     */
    settings: z.strictObject({
      verify: z.int().min(3_600),
      tombstones: z.int().min(86_400),
      quarantine: z.int().min(1).max(100),
    }),
    hosts: z.array(
      z.strictObject({
        id: label,
        agent: door,
        /** Only where one of its tenants is synced both ways. */
        writer: door.optional(),
      }),
    ),
    tenants: z.array(
      z.strictObject({
        id: label,
        host: label,
        url: z.url(),
        /** Seconds. */
        interval: z.int().positive(),
        paused: z.boolean(),
        conflicts: Conflicts,
        direction: Direction.prefault("one-way"),
        /** Where its live database is, without a password; absent: it is the SQLite file that its replica follows. */
        database: z.url().optional(),
        /** Where its own branding is licensed for so many users only: on which basis, and for how many. */
        licence: z.strictObject({ basis: z.string().min(1), users: z.int().positive() }).optional(),
      }),
    ),
    /** Login roles that speak for the cluster. */
    logins: z.array(z.strictObject({ role: z.string().min(1).max(63), cluster: label })).min(1),
    /** Logins that read replicas. */
    readers: z.array(
      z.strictObject({
        role: z.string().min(1).max(63),
        /** Null: every tenant of the database. */
        tenants: z.array(label).nullable(),
        /** Credentials it may read, which are denied otherwise. */
        columns: z.array(z.strictObject({ table: z.string().min(1), column: z.string().min(1) })),
      }),
    ),
  })
  .superRefine((intent, context) => {
    const hosts = new Set(intent.hosts.map(({ id }) => id));
    const writing = new Set(intent.hosts.flatMap(({ id, writer }) => (writer ? [id] : [])));
    for (const [index, tenant] of intent.tenants.entries())
      if (!hosts.has(tenant.host))
        context.addIssue({
          code: "custom",
          path: ["tenants", index, "host"],
          message: `tenant ${tenant.id} is on host ${tenant.host}, which the intent does not hold`,
        });
      else if (tenant.direction === "both" && !writing.has(tenant.host))
        context.addIssue({
          code: "custom",
          path: ["tenants", index, "direction"],
          message: `tenant ${tenant.id} is synced both ways, and host ${tenant.host} has no writer`,
        });
    for (const [index, login] of intent.logins.entries())
      if (login.cluster !== intent.cluster)
        context.addIssue({
          code: "custom",
          path: ["logins", index, "cluster"],
          message: `login ${login.role} is of cluster ${login.cluster}, the intent of ${intent.cluster}`,
        });
  });
export type Intent = z.infer<typeof Intent>;

/** What apply.ts reads from its standard input. */
export const ApplyRequest = z.strictObject({
  /** Its user may SET ROLE fleet_owner; need not be a superuser. */
  connection: Connection,
  intent: Intent,
});
export type ApplyRequest = z.infer<typeof ApplyRequest>;
