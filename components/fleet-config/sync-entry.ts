import { z } from "zod";
import { fleetConflicts } from "./conflicts-entry.ts";
import { databaseEntry } from "./database-entry.ts";
import { direction, directionRemedy } from "./direction-entry.ts";
import { documentation } from "./documentation.ts";
import { duration } from "./duration.ts";
import { port, portRemedy } from "./network-address.ts";
import { refuse } from "./problem.ts";

/** One entry of `sync.nodes`. */
export const nodeEntry = z
  .strictObject({
    port: port().register(documentation, {
      description: "Port of the node's API.",
      example: "9443",
      remedy: portRemedy,
    }),
    host: z.string().optional().register(documentation, {
      description:
        "Host it runs on, a name under `hosts`. A pair on two hosts goes on when either of them is lost (docs/hosts.md); its database is then of kind `external`.",
      default: "that of `sync.host`",
      example: "control-b",
      remedy: "name one of the hosts, or leave it out",
    }),
  })
  .register(documentation, { description: "One of the sync pair.", remedy: "give it a port" });

const nodes = z.record(z.string(), nodeEntry).superRefine((entries, context) => {
  if (Object.keys(entries).length > 0) return;
  refuse(context, {
    found: "no nodes",
    remedy: "declare a node, or two so that one can fail: { a: { port: 9443 }, b: { port: 9444 } }",
  });
});

/** One entry of `sync.readers`. */
export const readerEntry = z
  .strictObject({
    tenants: z
      .union([z.literal("all"), z.array(z.string()).min(1)])
      .transform((tenants) => (tenants === "all" ? null : tenants))
      .register(documentation, {
        description: "Whose replicas it reads: `all`, or the names of tenants.",
        type: "`all` or a list",
        example: "[acme]",
        remedy: "write all, or a list of tenants such as [acme]",
      }),
    columns: z
      .array(
        z
          .string()
          .regex(/^[^.]+\.[^.]+$/)
          .register(documentation, {
            description: "A column by its table's name and its own.",
            example: "auth.password",
            remedy: "write table.column, such as user.settings",
          }),
      )
      .transform((columns) =>
        columns.map((name) => {
          const [table = "", column = ""] = name.split(".");
          return { table, column };
        }),
      )
      .prefault([])
      .register(documentation, {
        description: "Credentials it may read although readers are denied them.",
        example: "[user.settings]",
        remedy: "write a list of columns such as [user.settings], or leave it out",
      }),
  })
  .register(documentation, {
    description: "A login of Postgres that reads replicas and writes nothing.",
    remedy: "say whose replicas it reads: { tenants: [acme] }",
  });

const [hour, day] = [3_600, 86_400];

/** The entry `sync`. */
export const syncEntry = z.strictObject({
  host: z.string().register(documentation, {
    description:
      "Control host, a name under `hosts`: what watches the fleet, the embedded database, and nodes that name no other host run there.",
    example: "local",
    remedy: "name one of the hosts",
  }),
  cluster: z.string().prefault("main").register(documentation, {
    description: "Name of the sync pair; part of its database role and certificates.",
    type: "DNS label",
    remedy: "name the cluster with a text",
  }),
  parallel: z.int().min(1).max(64).prefault(5).register(documentation, {
    description: "How many tenants one node syncs at once.",
    remedy: "write a whole number from 1 to 64",
  }),
  verify: duration(hour, 365 * day)
    .prefault("7d")
    .register(documentation, {
      description:
        "How often each replica is verified deeply: every row is read from the tenant, Postgres computes every digest anew from what it holds, and what differs is reported and repaired.",
      type: "duration",
      remedy: "write a number with its unit, from 1h to 365d, such as 7d or 12h",
    }),
  tombstones: duration(day, 3650 * day)
    .prefault("90d")
    .register(documentation, {
      description: "How long the replicas keep what vanished from the tenants' databases.",
      type: "duration",
      remedy: "write a number with its unit, from 1d to 3650d, such as 90d",
    }),
  operatorKey: z.int().min(1).prefault(1).register(documentation, {
    description:
      "Which key signs operators' tokens. Counted up, the next `up` makes a new key; tokens of the former one are accepted until it is counted up again.",
    remedy: "write a whole number from 1, and count it up to have a new key",
  }),
  conflicts: fleetConflicts.prefault({}).register(documentation, {
    description:
      "How it is decided when others than the nodes changed rows in a replica (docs/conflicts.md): `newest_wins`, `source_wins` (the tenant's database), `target_wins` (the replica), `merge` or `manual`.",
    remedy: "write default and tables, or leave it out",
  }),
  direction: direction().prefault("one-way").register(documentation, {
    description:
      "Where rows go, unless a tenant's entry says otherwise. `one-way`: from the tenants' databases into their replicas. `both`: edits that others make in a replica, and that win, are also written into the tenant's own database (docs/conflicts.md).",
    remedy: directionRemedy,
  }),
  quarantine: z.int().min(1).max(100).prefault(5).register(documentation, {
    description:
      "How many syncs of a tenant may fail in a row before it is put into quarantine: it is then tried at its interval, hourly at most, until one succeeds or an operator asks for one.",
    remedy: "write a whole number from 1 to 100",
  }),
  nodes: nodes.register(documentation, {
    description: "The nodes, by name. All of them work, one leads, and any of them can take over.",
    remedy: "declare a node, or two so that one can fail: { a: { port: 9443 }, b: { port: 9444 } }",
  }),
  readers: z.record(z.string(), readerEntry).prefault({}).register(documentation, {
    description: "Who reads replicas beside the nodes, by name (docs/readers.md).",
    remedy: "declare them by name: { ana: { tenants: all } }",
  }),
  database: databaseEntry.prefault({}).register(documentation, {
    description: "Postgres that holds the replicas and the cluster's state.",
    default: "embedded",
    remedy: "write kind and what belongs to it, or leave it out",
  }),
});
