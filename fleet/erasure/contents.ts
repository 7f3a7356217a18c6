import * as z from "zod";
import type { StoredOfTenant } from "../on-host/backups.ts";
import type { Remainder, Thing } from "./certificate.ts";
import { storedText } from "./storage.ts";

/** What was there before anything was erased. */
export const Before = z.object({
  domains: z.array(z.string()),
  identity: z.string().nullable(),
  hosts: z.record(z.string(), z.string()),
  database: z.string(),
  /** What the storage had of its backups; null: they are in no storage. */
  stored: z.string().nullable(),
  state: z.number(),
  older: z.number().nullable(),
});
export type Before = z.infer<typeof Before>;

/** When a step was seen to be done, ISO 8601. */
const Seen = z.object({ at: z.string() });

/** A storage as it was found at the end. */
export type StoredNow = { where: string } & ({ found: StoredOfTenant } | { why: string });

/** Whether all that could be seen there is gone. */
const isEmptied = (stored: StoredNow | undefined): boolean =>
  stored !== undefined && "found" in stored && stored.found.objects === 0;

/** What was erased, in the order in which it went. Pure. */
export function thingsOf(
  before: Before,
  found: Readonly<Record<string, unknown>>,
  local: boolean,
  stored?: StoredNow,
): Thing[] {
  const at = (step: string) => Seen.parse(found[step]).at;
  const [left, hosts] = [at("leave"), at("erasedHosts")];
  return [
    {
      what: "entry, container, site, names in DNS, keys and passwords",
      where: "the stack's config and state",
      found: `${before.state} resources`,
      erased: left,
      verified: "the state was read again: it holds no resource of the tenant",
    },
    ...Object.entries(before.hosts).map(([id, what]) => ({
      what: "containers, network, data directory, site and its certificates, what agent, writer and backups kept of it",
      where: `host ${id}`,
      found: what,
      erased: hosts,
      verified: "the host was searched again: no container, network, image, file or directory of the tenant",
    })),
    {
      what: "replica with its tombstones, conflict log, differences, jobs and readers' group",
      where: "the database of the replicas",
      found: before.database,
      erased: at("erasedReplica"),
      verified:
        "the catalogue was read again: no schema, and no row about its contents in the fleet's own tables",
    },
    {
      what: "older states of the stack, with its keys as they were",
      where: local ? "the folder of the stack's state" : "not on this machine",
      found: before.older === null ? "not looked at" : `${before.older} files`,
      erased: at("erasedState"),
      verified: local ? "the folder was searched again" : "not verified: see below",
    },
    ...(stored && isEmptied(stored)
      ? [
          {
            what: "its backups: a repository of its own, encrypted",
            where: stored.where,
            found: before.stored ?? "nothing",
            erased: at("erasedBackups"),
            verified:
              "the storage was asked again: it has no object, and shows no older version of one, below that name",
          },
        ]
      : []),
  ];
}

/** `acme at db.example.com:5432` */
const placeText = (url: string): string => `${new URL(url).pathname.slice(1)} at ${new URL(url).host}`;

/** What no erasure reaches from here, and how long it stays. Pure. */
export function remaindersOf(
  logs: Record<string, Record<string, number>>,
  monitored: boolean,
  local: boolean,
  elsewhere: { stored?: StoredNow | undefined; database?: string | undefined } = {},
): Remainder[] {
  const lines = Object.entries(logs).flatMap(([host, programs]) =>
    Object.entries(programs).map(([program, count]) => ({
      what: `${count} lines with visitors' addresses and paths`,
      where: `${program}'s log on host ${host}, which all its tenants share`,
      until: "they are rotated out: three files of 10 MB are kept",
    })),
  );
  return [
    ...lines,
    {
      what: "that it was there: its moves, its long operations, operators' orders; nothing of its contents",
      where: "the fleet's own tables",
      until: "kept on purpose; orders for a year",
    },
    {
      what: "how many persons were active, as numbers that nobody can be told from",
      where: "the fleet's own tables",
      until: "30 days behind their last use",
    },
    ...(elsewhere.database === undefined
      ? []
      : [
          {
            what: "its live database, a Postgres that is none of the fleet's: users, chats and all, readable to whoever may read there",
            where: placeText(elsewhere.database),
            until: "somebody drops that database",
          },
        ]),
    ...backupsLeft(elsewhere.stored),
    ...(monitored ? [{ what: "measurements under its name", where: "Prometheus", until: "15 days" }] : []),
    ...(local
      ? []
      : [
          {
            what: "older versions of the stack's state, its secrets encrypted",
            where: "the service that keeps the state",
            until: "its own retention ends",
          },
        ]),
    {
      what: "its former entry, secrets encrypted",
      where: "the history of the stack's config, where that is under version control",
      until: "that history is rewritten",
    },
    {
      what: "copies that others made: recovery kits, images of disks, archives of Postgres",
      where: "wherever they were put",
      until: "their own retention ends",
    },
  ];
}

/** What is, or may be, in the storage still. */
function backupsLeft(stored: StoredNow | undefined): Remainder[] {
  if (stored === undefined) return [];
  const encrypted = "encrypted with a passphrase that was erased from hosts and state";
  const { where } = stored;
  if ("why" in stored)
    return [
      {
        what: `its backups, ${encrypted}. They were left on purpose: ${stored.why}`,
        ...{ where, until: "somebody removes them there" },
      },
    ];
  if (stored.found.objects > 0)
    return [
      {
        what: `its backups: ${storedText(stored.found)}, ${encrypted}. They were left on purpose: the storage did not delete them`,
        ...{ where, until: "somebody removes them there" },
      },
    ];
  if (stored.found.versions) return [];
  return [
    {
      what: `older versions of what was deleted, ${encrypted}, if the bucket keeps such: the fleet's key may not see them`,
      ...{ where, until: "the bucket's own retention ends" },
    },
  ];
}
