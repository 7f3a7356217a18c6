import * as z from "zod";
import { wrongAuthority } from "../../components/fleet-config/authority.ts";
import { databaseFields } from "../../components/fleet-config/database-entry.ts";
import { plainKeys, readSource } from "../setup/effective-config.ts";
import { repository } from "../setup/paths.mjs";
import { type Ask, ask, askUntil, mayAsk } from "../setup/question.ts";
import { writeEntries } from "../setup/source-edit.ts";
import { configOf, type Invocation } from "./invocation.ts";

/** What an external database's entry may say, its password aside. */
export type Place = Partial<Record<"host" | "user" | "database" | "ca", string>> & { port?: number };

const Mapping = z.record(z.string(), z.unknown()).catch({});

/** As much of a config as says whether a database is asked for; whatever else is wrong with it. */
const Wanted = z.object({
  hosts: z.record(z.string(), z.object({ kind: z.string() }).catch({ kind: "" })).catch({}),
  sync: Mapping,
});

/** Asks where the replicas' Postgres answers, if the config keeps them outside of its hosts and does not say. */
export async function askDatabase(invocation: Invocation): Promise<void> {
  if (!mayAsk()) return;
  const file = configOf(invocation);
  const sync = await syncWithDatabase(plainKeys((await readSource(file)).config), ask);
  if (sync) await writeEntries(file, { sync });
}

/** The entry `sync` with the answers in it; undefined where there was nothing to ask. */
export async function syncWithDatabase(
  config: Record<string, unknown>,
  ask: Ask,
): Promise<Record<string, unknown> | undefined> {
  const { hosts, sync } = Wanted.parse(config);
  const given = Mapping.parse(sync.database);
  const control = hosts[String(sync.host)]?.kind;
  const elsewhere = control === "digitalocean" || control === "ssh";
  const outside = given.kind === "external" || (given.kind === undefined && elsewhere);
  const missing = (["host", "user", "ca"] as const).filter((name) => given[name] === undefined);
  if (!outside || missing.length === 0) return undefined;
  const answers: Record<string, unknown> = { ...given, kind: "external" };
  if (missing.includes("host")) Object.assign(answers, await askedPlace(ask), given);
  if (answers.user === undefined)
    answers.user = await askUntil(ask, "Its administrator's login", "postgres", (user) =>
      databaseFields.shape.user.safeParse(user).success ? undefined : "That is no login of Postgres.",
    );
  if (missing.includes("ca"))
    answers.ca = await askUntil(
      ask,
      "File with the certificate of the authority that signed the server's, as whoever runs it gives it out",
      "certificates/supabase.crt",
      (path) => {
        const wrong = wrongAuthority(path, repository);
        return wrong && `${wrong.found}: ${wrong.remedy}.`;
      },
    );
  return { ...sync, database: answers };
}

async function askedPlace(ask: Ask): Promise<Place> {
  const question =
    "Where the replicas' Postgres answers: its connection string (Supabase: Connect, Session pooler; the password may be left as it is shown), or its host name";
  const answer = await askUntil(ask, question, "", (text) => {
    const place = readPlace(text);
    return typeof place === "string" ? place : undefined;
  });
  return readPlace(answer) as Place;
}

/** Reads a connection string or a host's name; a password in it is left out. @returns why it will not do, otherwise */
export function readPlace(text: string): Place | string {
  const [host = "", port = "", user = "", database = ""] = text.includes("://")
    ? ofUrl(text)
    : /^[^:]*:\d+$/.test(text)
      ? text.split(":")
      : [text];
  const place: Place = {
    host,
    ...(port && port !== "5432" ? { port: Number(port) } : {}),
    ...(user ? { user } : {}),
    ...(database && database !== "postgres" ? { database } : {}),
  };
  if (place.port === 6543 && host.endsWith(".supabase.com"))
    return "Port 6543 is the transaction pooler, in whose sessions nothing stays: take the session pooler's, 5432.";
  const wrong = databaseFields.safeParse({ kind: "external", ...place }).error?.issues[0]?.path[0];
  return wrong === undefined
    ? place
    : `Its ${String(wrong)} is none; docs/supabase.md shows what it looks like.`;
}

function ofUrl(text: string): string[] {
  // What stands for the password there is in brackets.
  const match =
    /^postgres(?:ql)?:\/\/(?:([^:@/]+)(?::.*)?@)?([^@/?]*?)(?::(\d+))?(?:\/([^?]*))?(?:\?.*)?$/.exec(text);
  const [, user = "", host = "", port = "", database = ""] = match ?? [];
  return [host.replace(/^\[(.*)\]$/, "$1"), port, decoded(user), decoded(database)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
