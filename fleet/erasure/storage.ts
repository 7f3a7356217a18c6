import type { RepositorySpec } from "../../components/fleet-config/model.ts";
import { sizeText } from "../../toolchain/commands/sync-view.ts";
import { CommandError } from "../../toolchain/setup/problem.mjs";
import type { AskedHost } from "../on-host/asked-host.ts";
import { HostBackups, type StoredOfTenant } from "../on-host/backups.ts";

/** Where backups are kept that no host has in a folder. */
export interface Storage {
  /** As people call it. */
  where: string;
  stack: string;
  hosts: readonly AskedHost[];
}

/** What is there of a tenant, or why that is not known or was not to be removed. */
export type InStorage = StoredOfTenant | { why: string };

/** What several hosts are refused, others are as well. */
const mostAsked = 3;

/** The place in words, with the tenant's own name in it. Pure. */
export const storageText = (
  repository: Exclude<RepositorySpec, { kind: "folder" }>,
  tenant: string,
): string =>
  repository.kind === "s3"
    ? `${[repository.prefix, tenant].filter(Boolean).join("/")}/ in bucket ${repository.bucket} at ${repository.endpoint}`
    : `${repository.path}/${tenant} on ${repository.address}`;

/**
 * Looks what a storage has of a tenant, or removes it first. Any host can do that which backs tenants up, since they share the
 * storage; where none does any more, as behind the last tenant, one that did.
 */
export async function inStorage(
  { stack, hosts }: Storage,
  tenant: string,
  verb: "stored" | "remove",
): Promise<InStorage> {
  const asked = hosts.map((host) => ({ host, backups: new HostBackups(host, stack) }));
  const states = await Promise.all(
    asked.map(async (one) => ({ ...one, running: await one.backups.running().catch(() => undefined) })),
  );
  const running = states.filter((one) => one.running);
  const able = running.length > 0 ? running : states.filter((one) => one.running === false);
  const failures: string[] = [];
  for (const { host, backups } of able.slice(0, mostAsked)) {
    const told = await backups.stored(verb, tenant, running.length === 0);
    if ("said" in told) return told.said;
    failures.push(`host ${host.spec.id}: ${told.failure}`);
  }
  return { why: failures.join("; ") || "no host answers" };
}

/** The same, where not to know it ends what is being done. */
export async function requiredInStorage(
  storage: Storage,
  tenant: string,
  verb: "stored" | "remove",
): Promise<StoredOfTenant> {
  const found = await inStorage(storage, tenant, verb);
  if (!("why" in found)) return found;
  throw new CommandError(
    `${storage.where} was not ${verb === "remove" ? "emptied" : "looked at"}: ${found.why}\n    or, if its backups are to stay there: the same command with --leave-backups; the certificate names them then`,
  );
}

/** `412 objects, 3.1 MB` Pure. */
export const storedText = (found: InStorage | null): string => {
  if (found === null) return "nothing";
  if ("why" in found) return `not looked at: ${found.why}`;
  return found.objects === 0 ? "nothing" : `${found.objects} objects, ${sizeText(found.bytes)}`;
};
