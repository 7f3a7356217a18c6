import { BackupError } from "./backup-error.ts";
import type { Repository } from "./config.ts";
import { bucketOf, type S3Bucket, type S3Object, S3Refusal } from "./s3-bucket.ts";
import { SftpFolder } from "./sftp-folder.ts";

/** What a place keeps of a tenant: its repository, and whatever else lies in the folder of that name. */
export interface StoredOfTenant {
  objects: number;
  bytes: number;
  /** False: whether a bucket keeps older versions of objects cannot be seen by this key, or on this server. */
  versions: boolean;
}

/** How many are removed at a time. */
const atOnce = 8;

/** Looks what a place outside of the host keeps of a tenant. */
export async function storedOf(
  repository: Repository,
  tenant: string,
  signal: AbortSignal,
): Promise<StoredOfTenant> {
  if (repository.kind === "s3") return summed(await listed(await bucketOf(repository), tenant, signal));
  return summed({ found: await outside(repository, tenant).list(signal), versions: true });
}

/** Removes all of it, and answers what is there then. Safe to repeat. */
export async function removeStored(
  repository: Repository,
  tenant: string,
  signal: AbortSignal,
): Promise<StoredOfTenant> {
  if (repository.kind === "s3") {
    const bucket = await bucketOf(repository);
    const { found } = await listed(bucket, tenant, signal);
    // What opens everything else goes last: a run that is killed leaves what can still be looked at.
    for (let from = 0; from < found.length; from += atOnce)
      await Promise.all(found.slice(from, from + atOnce).map((object) => bucket.remove(object, signal)));
  } else {
    const folder = outside(repository, tenant);
    await folder.remove(await folder.list(signal), signal);
  }
  return storedOf(repository, tenant, signal);
}

function outside(repository: Repository, tenant: string): SftpFolder {
  if (repository.kind === "sftp") return new SftpFolder(repository, tenant);
  throw new BackupError("restic-failed", "A folder of the host is looked at by the host itself.");
}

/** All versions where they can be seen, what the bucket shows otherwise. */
async function listed(
  bucket: S3Bucket,
  tenant: string,
  signal: AbortSignal,
): Promise<{ found: S3Object[]; versions: boolean }> {
  try {
    return { found: await bucket.list(tenant, { versions: true }, signal), versions: true };
  } catch (error) {
    // Whoever is let in nowhere is told so by the other list.
    if (!(error instanceof S3Refusal)) throw error;
    return { found: await bucket.list(tenant, {}, signal), versions: false };
  }
}

const summed = ({ found, versions }: { found: { bytes: number }[]; versions: boolean }): StoredOfTenant => ({
  ...{ objects: found.length, versions },
  bytes: found.reduce((sum, { bytes }) => sum + bytes, 0),
});
