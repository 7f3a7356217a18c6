import { columns } from "../../toolchain/commands/status-table.ts";
import type { Carried } from "./carried.ts";
import type { Inspection } from "./inspection.ts";
import { changedStatic, megabytes, type Risk } from "./risk.ts";
import { sourceText } from "./source.ts";

/** What `fleet adopt --dry-run --json` prints. An interface: scripts read it. Sizes in bytes; no secrets. */
export interface AdoptionReport {
  tenant: string;
  host: string;
  domain: string;
  source: {
    kind: "container" | "compose" | "file";
    name: string;
    /** Of the container; null of a bare database. */
    container: string | null;
    image: string | null;
    running: boolean | null;
    restart: string | null;
    user: string | null;
    ports: string[];
    mounts: { kind: string; source: string; target: string }[];
  };
  /** Without a `v`; null: it does not say. */
  version: { source: string | null; migrations: string[]; tenant: string | null; image: string };
  database: {
    bytes: number;
    journal: "wal" | "rollback";
    unclean: boolean;
    tables: number;
    users: number;
    admins: string[];
    chats: number;
    files: number;
  };
  data: { files: number; bytes: number; uploads: number; vectors: number; leftOut: number };
  /** Where its secret key is looked for. */
  secretKey: string;
  environment: {
    carried: string[];
    connections: string[];
    endpoints: string[];
    left: { name: string; why: string }[];
  };
  /** Files that it shows in place of upstream's. */
  static: string[];
  admin: string | null;
  risks: Risk[];
}

/** What an operator is told; pure. */
export function reportOf(
  inspection: Inspection,
  { tenant, host, domain, admin }: { tenant: string; host: string; domain: string; admin: string | null },
  carried: Carried,
  risks: Risk[],
): AdoptionReport {
  const { wanted, container, survey, from, to, image } = inspection;
  const { database, tree } = survey;
  return {
    ...{ tenant, host, domain },
    source: {
      kind: wanted.kind === "container" || wanted.kind === "file" ? wanted.kind : "compose",
      name: sourceText(wanted),
      container: container?.name ?? null,
      image: container?.image ?? null,
      running: container?.running ?? null,
      restart: container?.restart ?? null,
      user: container ? container.user || "root" : null,
      ports: container?.ports ?? [],
      mounts: (container?.mounts ?? []).map(({ kind, source, target }) => ({ kind, source, target })),
    },
    version: { source: from?.version ?? null, migrations: database.heads, tenant: to.version, image },
    database: {
      ...{ bytes: database.bytes, journal: database.journal, unclean: database.unclean },
      ...{
        tables: database.tables.length,
        users: database.users,
        chats: database.chats,
        files: database.files,
      },
      admins: database.admins.map(({ email }) => email),
    },
    data: { ...tree, leftOut: tree.leftOutCount },
    secretKey: secretKeyOf(inspection),
    environment: {
      carried: carried.environment.map(({ name }) => name),
      connections: carried.connections.map(({ url }) => url),
      endpoints: carried.endpoints,
      left: carried.left,
    },
    static: changedStatic(inspection),
    ...{ admin, risks },
  };
}

function secretKeyOf({ wanted, container, survey }: Inspection): string {
  if (wanted.kind === "file")
    return wanted.key ?? (survey.keyFile ? "a file beside the database" : "none: a new one is made");
  for (const name of ["WEBUI_SECRET_KEY", "WEBUI_JWT_SECRET_KEY"])
    if (container?.environment[name]) return `variable ${name}`;
  return `file ${container?.environment.WEBUI_SECRET_KEY_FILE || ".webui_secret_key"} in the container`;
}

/** The same for people. */
export function reportText(report: AdoptionReport): string {
  const { source, version, database, data, environment, risks } = report;
  const count = (number: number, what: string) =>
    number < 0 ? "" : `${number} ${what}${number === 1 ? "" : "s"}`;
  const list = (words: readonly string[]) => (words.length > 0 ? words.join(", ") : "none");
  const lines: [string, string][] = [
    [
      "source",
      `${source.name}${source.container === null ? "" : ` (${source.container}, ${source.running ? "running" : "stopped"}, as ${source.user}, restart ${source.restart})`}`,
    ],
    ...(source.image === null ? [] : [["its image", source.image] as [string, string]]),
    ["its version", `${version.source ?? "unknown"}, migration ${list(version.migrations)}`],
    ["tenant", `${report.tenant} on ${report.host}, ${report.domain}, ${version.image}`],
    [
      "database",
      [
        megabytes(database.bytes),
        database.journal === "wal" ? "WAL" : "rollback journal",
        ...(database.unclean && !source.running ? ["not closed by its last writer"] : []),
        ...[count(database.tables, "table"), count(database.users, "user"), count(database.chats, "chat")],
      ]
        .filter(Boolean)
        .join(", "),
    ],
    [
      "files",
      `${count(data.files, "file")}, ${megabytes(data.bytes)}; ${count(data.uploads, "upload")}; ${data.vectors > 0 ? `${megabytes(data.vectors)} of vectors` : "no vectors"}`,
    ],
    ["admins", `${list(database.admins)}${report.admin === null ? "" : `; the stack's is ${report.admin}`}`],
    ["secret key", report.secretKey],
    ["mounts", list(source.mounts.map(({ kind, source, target }) => `${kind} ${source} at ${target}`))],
    ["ports", list(source.ports)],
    [
      "settings",
      `come along: ${list(environment.carried)}${environment.connections.length > 0 ? `; connections: ${list(environment.connections)}` : ""}${environment.endpoints.length > 0 ? `; private endpoints that it may reach: ${list(environment.endpoints)}` : ""}`,
    ],
    ...environment.left.map(({ name, why }) => ["", `left: ${name}: ${why}`] as [string, string]),
    ["its own look", list(report.static)],
  ];
  return [
    ...columns(lines),
    "",
    ...risks.map(
      ({ refused, what, remedy }) =>
        `  ${refused ? "✗" : "!"} ${what}\n    ${refused ? "remedy" : "note"}: ${remedy}`,
    ),
    ...(risks.length === 0 ? ["  Nothing speaks against it."] : []),
  ].join("\n");
}
