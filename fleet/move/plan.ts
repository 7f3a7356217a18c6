import { zoneOf } from "../../components/fleet-config/dns-entry.ts";
import type { DnsSpec, HostSpec, TenantSpec } from "../../components/fleet-config.ts";
import { problemText } from "../../toolchain/setup/problem.mjs";
import type { Look } from "../on-host/tenant-move.ts";

/** What is known before a move. */
export interface Known {
  spec: TenantSpec;
  from: HostSpec;
  to: HostSpec;
  dns: DnsSpec;
  /** Whether other tenants live on the host that it leaves. */
  neighbours: boolean;
  /** Where users reach the target. */
  address: string;
  /** What both hosts said of themselves. */
  source: Look;
  target: Look;
}

/** A move as `--dry-run` shows it; what `--json` prints. An interface: scripts read it. */
export interface Plan {
  tenant: string;
  from: string;
  to: string;
  /** Bytes of its data. */
  bytes: number;
  /** Bytes that the target has free. */
  free: number;
  /** What becomes of its name, its certificate and what does not come along, a sentence each. */
  notes: string[];
  /** Why it cannot be; nothing: it can. */
  refused: { what: string; why: string; remedy: string }[];
}

/** What the target's disk has to have beside the data: the application's own images and logs grow, too. */
const spareBytes = 1_000_000_000;

/** What a move would be, and what speaks against it; pure. */
export function planOf({ spec, from, to, dns, neighbours, address, source, target }: Known): Plan {
  const { id } = spec;
  const needed = source.bytes + spareBytes;
  const refused = [
    ...(spec.running
      ? []
      : [
          problem(
            `${id} is stopped.`,
            "A move is checked by its answers.",
            `Start it: npx fleet start ${id}`,
          ),
        ]),
    ...(spec.sync.direction === "both"
      ? [
          problem(
            `${id} is synced both ways.`,
            "What is written into its replica would be written into two databases while it moves.",
            `Write sync: { direction: one } into tenants.${id} for the time of the move, and run \`npm run up\`.`,
          ),
        ]
      : []),
    ...(spec.database
      ? [
          problem(
            `${id} works on a Postgres.`,
            "A move stops what writes to its data and compares both sides; it knows files alone.",
            `As long as its promotion is not confirmed, npx fleet promote ${id} --rollback goes back to SQLite.`,
          ),
        ]
      : []),
    ...(source.data
      ? []
      : [problem(`Host ${from.id} has no database of ${id}.`, "There is nothing to move.", "npm run up")]),
    ...(target.agent
      ? []
      : [
          problem(
            `Host ${to.id} is not ready: its agent is not there.`,
            "Its image brings the data in.",
            "Bring it up: npm run up",
          ),
        ]),
    ...(target.data || target.aside
      ? [
          problem(
            `Host ${to.id} has data of ${id} already.`,
            "It may be the only copy of something; nothing is written over it.",
            `Look at ${to.root}/tenants/${id} there, and put it elsewhere if it is not needed.`,
          ),
        ]
      : []),
    ...(needed > target.free
      ? [
          problem(
            `Host ${to.id} has ${megabytes(target.free)} free, and ${megabytes(needed)} are needed.`,
            `${id} has ${megabytes(source.bytes)}, and ${megabytes(spareBytes)} stay free.`,
            "Make room there, or give it a larger volume.",
          ),
        ]
      : []),
  ];
  return {
    ...{ tenant: id, from: from.id, to: to.id, bytes: source.bytes, free: target.free, refused },
    notes: [
      nameText(spec, to, dns, address),
      certificateText(spec),
      ...(neighbours || from.kind === "local"
        ? []
        : [
            `No other tenant lives on ${from.id}, so its ports 80 and 443 close as \`up\` begins: it leads nobody on, and users wait for some seconds more.`,
          ]),
      ...(source.aside
        ? [
            `What earlier operations set aside on ${from.id} does not come along, and goes when the move is confirmed: after that nothing leads back to it.`,
          ]
        : []),
    ],
  };
}

const problem = (what: string, why: string, remedy: string) => ({ what, why, remedy });

const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;

function nameText({ domain, proxied }: TenantSpec, to: HostSpec, dns: DnsSpec, address: string): string {
  if (to.kind === "local") return `${domain} leads to this machine already.`;
  if (proxied) return `${domain} stays with Cloudflare's proxy, which is told where to go.`;
  if (dns.kind === "cloudflare" && zoneOf(domain, dns.zones))
    return `${domain} is made to lead to ${address}. Who remembers the old address, for five minutes at most, is led on by the old host.`;
  return `You make ${domain} lead to ${address} yourself, once it serves there. Until then the old host leads there.`;
}

function certificateText({ certificate }: TenantSpec): string {
  switch (certificate) {
    case "acme":
      return "The certificate comes along and is shown at once; the new host asks for one of its own.";
    case "origin-ca":
      return "The new host shows the same certificate to Cloudflare.";
    case "self-signed":
      return "The new host shows the stack's own certificate, as before.";
    default:
      return "Its site is plain HTTP.";
  }
}

/** What an operator reads of it. */
export const planText = ({ tenant, from, to, bytes, free, notes, refused }: Plan): string =>
  [
    `${tenant} goes from ${from} to ${to}: ${megabytes(bytes)}, of which ${to} has ${megabytes(free)} free.`,
    ...notes,
    ...refused.map(problemText),
  ].join("\n");
