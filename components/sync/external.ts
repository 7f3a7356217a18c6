import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { AuthoritySpec } from "../fleet-config.ts";

/** What the schemas' owner may do in a database that others may use as well. */
export const ownerPrivileges = ["CREATE", "CONNECT", "TEMPORARY"];

/** The role behind an administrator's login: a pooler's address of a project (`postgres.abcdefgh`) is no part of it. */
export const adminRole = (user: string): string => user.split(".")[0] as string;

/** What a role signs in as where the administrator signs in as `user`. */
export const userOf = (user: string, role: string): string => `${role}${user.slice(adminRole(user).length)}`;

/**
 * The file of an authority, for the provider, which takes no text. Relative to the repository, where the program runs, so
 * that every checkout says the same to the engine.
 */
export function authorityFile(stack: string, { pem, file }: AuthoritySpec): string {
  if (file !== undefined) return file;
  const written = `.build/${stack}/database-ca.crt`;
  mkdirSync(dirname(written), { recursive: true });
  writeFileSync(written, pem);
  return written;
}
