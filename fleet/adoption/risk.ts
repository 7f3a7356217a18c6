import { isPrivate } from "../../components/fleet-config/network-address.ts";
import type { Inspection } from "./inspection.ts";

/** Something that an operator should know, or that keeps the source from being adopted. */
export interface Risk {
  /** Refused: nothing is done until it is gone. */
  refused: boolean;
  what: string;
  remedy: string;
}

/** What may go otherwise than somebody expects; refusals first. */
export function risksOf(inspection: Inspection): Risk[] {
  const risks = [
    ...databaseRisks(inspection),
    ...dataRisks(inspection),
    ...accountRisks(inspection),
    ...(inspection.container ? containerRisks(inspection) : []),
  ];
  return risks.sort((a, b) => Number(b.refused) - Number(a.refused));
}

const risk = (what: string, remedy: string): Risk => ({ refused: false, what, remedy });
const refusal = (what: string, remedy: string): Risk => ({ refused: true, what, remedy });

function databaseRisks({ survey: { database }, from, to, image }: Inspection): Risk[] {
  const risks: Risk[] = [];
  const unknown = database.heads.filter((head) => !to.revisions.has(head));
  const newer = from?.version && to.version && compareVersions(from.version, to.version) > 0;
  if (newer)
    risks.push(
      refusal(
        `Its database is of version ${from.version}, newer than ${image}.`,
        `Open WebUI never turns a database back. Name its version or a later one: --version v${from.version}`,
      ),
    );
  else if (unknown.length > 0)
    risks.push(
      refusal(
        `Its database has migration ${unknown.join(", ")}, which ${image} does not know: a later version's, or a fork's own.`,
        "Name the version it comes from, or a later one: --version v…; of a fork with migrations of its own, its own image: --image …",
      ),
    );
  if (!database.tables.includes("user"))
    risks.push(
      refusal("The database has no table of users: it is none of Open WebUI's.", "Name its webui.db."),
    );
  const foreign = database.tables.filter((table) => !to.tables.has(table) && !ofEveryVersion.has(table));
  if (foreign.length > 0 && to.tables.size > 0)
    risks.push(
      risk(
        `${foreign.length} of its tables are none of ${image}: ${foreign.slice(0, 8).join(", ")}${foreign.length > 8 ? " …" : ""}.`,
        "They are kept and replicated as they are; nothing reads them, unless the tenant runs a fork's own image (--image).",
      ),
    );
  if (database.journal === "rollback")
    risks.push(
      risk(
        "It is in rollback-journal mode.",
        "As a tenant it runs in WAL mode, which the application turns it to by itself.",
      ),
    );
  return risks;
}

/** What migrations keep for themselves, and what SQLite makes. */
const ofEveryVersion = new Set(["alembic_version", "migratehistory"]);

function dataRisks({ survey: { tree, database, free, keyFile }, container, wanted }: Inspection): Risk[] {
  const risks: Risk[] = [];
  const needed = 2 * database.bytes + tree.bytes;
  if (needed > free)
    risks.push(
      refusal(
        `The host's disk has ${megabytes(free)} free; the copy and its rehearsal take ${megabytes(needed + database.bytes)}.`,
        "Make room, or give the host a larger disk.",
      ),
    );
  if (tree.leftOutCount > 0)
    risks.push(
      risk(
        `${tree.leftOutCount} links that lead elsewhere, pipes, sockets or devices are left out: ${tree.leftOut.slice(0, 5).join(", ")}.`,
        "A tenant sees its own folder alone. What they lead to can be copied into the source's folder before.",
      ),
    );
  if (tree.vectors > 0 && !container?.environment.RAG_EMBEDDING_ENGINE)
    risks.push(
      risk(
        `${megabytes(tree.vectors)} of vectors were made by a model inside of the application, it seems.`,
        'A tenant asks a model server for embeddings. Either index the documents anew (Admin Settings, Documents), or give it memory and its model: environment { RAG_EMBEDDING_ENGINE: "", OFFLINE_MODE: "false" }, memory.limit 3GB.',
      ),
    );
  if (wanted.kind === "file" && wanted.key === null && !keyFile)
    risks.push(
      risk(
        "No secret key comes with it: all sessions end, and what Open WebUI encrypted cannot be read any more.",
        "Name the file that has it: --secret-key-file /path/.webui_secret_key",
      ),
    );
  if (wanted.kind === "file" && wanted.uploads === null && database.files > 0)
    risks.push(
      risk(
        `${database.files} uploaded files are named in it, and none come with it.`,
        "Name the folder that has them: --uploads /path/uploads",
      ),
    );
  return risks;
}

function accountRisks({ survey: { database } }: Inspection): Risk[] {
  if (database.admins.length > 0 || !database.tables.includes("user")) return [];
  return [
    refusal(
      database.users > 0 ? "None of its accounts is an admin." : "It has no account.",
      database.users > 0
        ? "Make one an admin in the source. No account is made or changed here."
        : "Sign up in the source, or start a tenant anew: there is nothing to adopt.",
    ),
  ];
}

/** Variables that lead to other servers, and what becomes of what is there. */
const elsewhere: readonly { variable: RegExp; said: string }[] = [
  { variable: /^(WEBSOCKET_)?REDIS_URL$/, said: "a Redis that only several copies of one application need" },
  {
    variable:
      /^(PGVECTOR_DB_URL|QDRANT_URI|MILVUS_URI|CHROMA_HTTP_HOST|OPENSEARCH_URI|ELASTICSEARCH_URL|WEAVIATE_HTTP_HOST)$/,
    said: "vectors in another server",
  },
  { variable: /^(S3_ENDPOINT_URL|AZURE_STORAGE_ENDPOINT)$/, said: "uploads in an object store" },
  { variable: /_(BASE_)?URLS?$/, said: "a server it calls" },
];

function containerRisks({ container, writers, from, to, image }: Inspection): Risk[] {
  if (!container) return [];
  const { name, environment, ports, user, image: reference } = container;
  const risks: Risk[] = [];
  if (writers.length > 0)
    risks.push(
      refusal(
        `${writers.join(", ")} ${writers.length === 1 ? "runs" : "run"} with the same data, and may write to it.`,
        `Stop ${writers.length === 1 ? "it" : "them"} first: docker stop ${writers.join(" ")}`,
      ),
    );
  for (const [variable, value] of Object.entries(environment)) {
    const leads = elsewhere.find((one) => one.variable.test(variable));
    if (!leads || value === "" || !leadsAway(value)) continue;
    risks.push(
      risk(
        `${variable} names ${leads.said} that a tenant does not reach: a private address, or a name of its Docker network.`,
        "Write it with an address, and that under privateEndpoints of the tenant's entry (docs/configuration.md).",
      ),
    );
  }
  for (const [variable, own, what] of [
    ["VECTOR_DB", "chroma", "Vectors"],
    ["STORAGE_PROVIDER", "local", "Uploads"],
  ] as const) {
    const value = environment[variable] ?? "";
    if (value !== "" && value !== own)
      risks.push(
        risk(
          `${what} lie in another server (${variable} ${value}).`,
          "They stay there, and the tenant uses them there; they are neither copied nor verified here, nor in the fleet's backups.",
        ),
      );
  }
  if (/^false$/i.test(environment.WEBUI_AUTH ?? ""))
    risks.push(
      risk("It runs without sign-in (WEBUI_AUTH).", "A tenant never does: its accounts need passwords."),
    );
  if (user !== "" && !/^(0|root)(:|$)/.test(user))
    risks.push(
      risk(
        `It runs as user ${user}.`,
        "The copy belongs to root, as a tenant's does; the source's files stay as they are.",
      ),
    );
  if (ports.length > 0)
    risks.push(
      risk(
        `${ports.join(", ")} of ${name}: nobody answers there any more behind the cut-over.`,
        "Lead people to the tenant's address, and proxies that know the port.",
      ),
    );
  const shown = changedStatic({ container, from, to });
  if (shown.length > 0)
    risks.push(
      risk(
        `It shows files of its own: ${shown.slice(0, 8).join(", ")}${shown.length > 8 ? ` and ${shown.length - 8} more` : ""}.`,
        "They do not come along. A look of its own is given by `npx fleet branding`, on one of the bases that Open WebUI's licence has (docs/adoption.md).",
      ),
    );
  if (
    !reference.startsWith("ghcr.io/open-webui/open-webui") &&
    !image.startsWith(reference.split("@")[0] ?? reference)
  )
    risks.push(
      risk(
        `Its image is ${reference}, and the tenant's ${image}.`,
        "Changes of its program do not come along; a fork's own image is kept by --image.",
      ),
    );
  return risks;
}

/** Whether a setting leads to what a tenant's network does not. */
function leadsAway(value: string): boolean {
  return value.split(";").some((one) => {
    const host = URL.canParse(one) ? new URL(one).hostname : "";
    return (
      host !== "" &&
      (isPrivate(host) || !host.includes(".") || /(^|\.)(localhost|internal|local)$|^127\./.test(host))
    );
  });
}

/** Names of files that its image, its container or a mount shows in place of upstream's. */
export function changedStatic({
  container,
  from,
  to,
}: Pick<Inspection, "container" | "from" | "to">): string[] {
  const mounted = (container?.mounts ?? [])
    .map(({ target }) => target)
    .filter((target) => target.startsWith("/app/build/"));
  // Between two versions upstream changes files itself: then only what upstream has no file of counts.
  const same = from?.version === to.version;
  const differing = [...(from?.static ?? [])]
    .filter(([path, hash]) => (same ? to.static.get(path) !== hash : !to.static.has(path)))
    .map(([path]) => path);
  const shown = (path: string) => /^\/app\/build\/(favicon\.png|static\/.+)$/.test(path);
  return [...new Set([...mounted, ...differing, ...(from?.changed ?? []).filter(shown)])]
    .sort()
    .map((path) => path.slice("/app/build/".length));
}

/** Positive where the first is later. */
export function compareVersions(one: string, other: string): number {
  const numbers = (text: string) => (text.split(/[-+]/)[0] ?? "").split(".").map(Number);
  const [a, b] = [numbers(one), numbers(other)];
  for (let at = 0; at < 3; at++) if (a[at] !== b[at]) return (a[at] ?? 0) - (b[at] ?? 0);
  return 0;
}

export const megabytes = (bytes: number): string =>
  bytes < 1e6
    ? `${Math.ceil(bytes / 1e3)} kB`
    : bytes < 1e9
      ? `${(bytes / 1e6).toFixed(1)} MB`
      : `${(bytes / 1e9).toFixed(2)} GB`;
