/** Every way in which a tenant cannot be backed up or read back, and what an operator does about it. */
const REMEDIES = {
  "repository-away":
    "Look at the place that `backups.repository` names: mount it, or start what answers there.",
  "repository-gone":
    "It was there before, with backups in it. Find out who removed it; to begin anew, remove the tenant's file in backup/status of its host.",
  "repository-refused": "Check that the key in `backups.repository` may list, read, write and delete there.",
  "deletion-refused":
    "Give `backups.repository` a key that may delete there, or wait until what protects it ends.",
  "wrong-passphrase":
    "Put the passphrase back with which the repository was made: it is in the stack's state and in its recovery kit.",
  "repository-full": "Make room where the backups are kept, or lower `backups.keep`.",
  "repository-damaged":
    "Look what `fleet backup check` says; what is damaged cannot be read back. Earlier backups may be whole.",
  "disk-full": "Free disk space on the tenant's host: a copy of its database has to fit beside it.",
  "tenant-unreadable": "Look at the tenant's data directory on its host.",
  "database-away":
    "Look at the Postgres that the tenant works on (`tenants.<name>.database`), and whether it lets this host in.",
  "database-newer": "Set `backups.postgres` to the server's major version, and run `npm run up`.",
  "dump-failed": "Look at the log of the tenant's Postgres.",
  "not-placed":
    "Make the tenant's role the owner of its database and of the schema: ALTER SCHEMA … OWNER TO …. `--to-folder` fetches the dump without that.",
  "no-snapshot": "List what there is: npx fleet backup list <tenant>.",
  "not-equal": "What was read back is not what was stored. Take an earlier backup, and check the repository.",
  "took-too-long": "Look how much there is to be backed up, and how fast the way to the repository is.",
  "restic-failed": "Look at the log of the backup container on the tenant's host.",
  interrupted: "Nothing: it is done again by itself.",
} as const satisfies Record<string, string>;

export type BackupErrorCode = keyof typeof REMEDIES;

/** One tenant cannot be backed up or read back. What is stored of it already stays as it is. */
export class BackupError extends Error {
  override name = "BackupError";
  readonly code: BackupErrorCode;

  /** @param message what was expected and what was found, as a sentence */
  constructor(code: BackupErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get remedy(): string {
    return REMEDIES[this.code];
  }
}

const WRONG_PASSPHRASE = /wrong password or no key found/i;
export const saysWrongPassphrase = (said: string): boolean => WRONG_PASSPHRASE.test(said);

/** What restic says, by what it means; the first that fits. */
const SAYS: readonly (readonly [RegExp, BackupErrorCode, string])[] = [
  [WRONG_PASSPHRASE, "wrong-passphrase", "The repository's passphrase is another one."],
  [
    /no space left on device|disk quota exceeded|EntityTooLarge|QuotaExceeded|XMinioStorageFull/i,
    "repository-full",
    "There is no room left.",
  ],
  [
    /access denied|AccessDenied|InvalidAccessKeyId|access key id you provided|provided access key id|SignatureDoesNotMatch|request signature we calculated|permission denied|Host key verification failed/i,
    "repository-refused",
    "The place that keeps the backups does not let us in.",
  ],
  [
    /connection refused|no such host|i\/o timeout|network is unreachable|no route to host|connection timed out|connection reset|connection closed|could not resolve|unable to start the sftp session|dial tcp|NoSuchBucket|bucket does not exist|stale NFS|input\/output error|server closed|EOF$/i,
    "repository-away",
    "The place that keeps the backups cannot be reached.",
  ],
  [
    /ciphertext verification failed|invalid data returned|does not match|damaged|pack .* (?:missing|not found)|repository contains errors|hash mismatch/i,
    "repository-damaged",
    "The repository is damaged.",
  ],
];

/** Whether restic says that there is no repository; a bucket or a key that is not there is another matter. */
export const saysNoRepository = (said: string): boolean =>
  /unable to open config file: .*(?:file does not exist|no such file or directory|key does not exist|NoSuchKey)/i.test(
    said,
  ) && !/access key|signature|bucket/i.test(said.split("\n")[0] ?? "");

/** A failure of restic, from what it wrote. Its messages name repositories and files, and no secret. */
export function resticError(command: string, said: string, end: string): BackupError {
  const last = lastLine(said.replace(/^Connection closed\.?\s*$/gim, ""));
  const [, code, meaning] = SAYS.find(([pattern]) => pattern.test(said)) ?? [];
  const program = command === "sftp" ? command : `restic ${command}`;
  if (code && meaning) return new BackupError(code, `${meaning} ${program} said: ${last}`);
  return new BackupError("restic-failed", `${program} ended with ${end}: ${last || "it said nothing"}`);
}

const lastLine = (said: string): string =>
  (
    said
      .split("\n")
      .map((line) => line.trim())
      .findLast((line) => line !== "") ?? ""
  ).slice(0, 500);
