import type { Repository } from "./config.ts";

/** A repository behind sftp. */
export type SftpRepository = Extract<Repository, { kind: "sftp" }>;

/** How OpenSSH's clients are to behave: by that key alone, to that server alone, and without a word to anybody. */
export const sshOptions = ({ keyFile, knownHosts }: SftpRepository): string[] =>
  [
    ...["StrictHostKeyChecking=yes", `UserKnownHostsFile=${knownHosts}`, "GlobalKnownHostsFile=/dev/null"],
    ...["BatchMode=yes", "IdentitiesOnly=yes", `IdentityFile=${keyFile}`, "UpdateHostKeys=no"],
    ...["ConnectTimeout=20", "ServerAliveInterval=15", "ServerAliveCountMax=4"],
  ].flatMap((option) => ["-o", option]);
