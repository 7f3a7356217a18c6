import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../../../toolchain/setup/child.mjs";
import { credentialsOf } from "../../../toolchain/setup/credential.ts";
import { S3Server, s3Key } from "../../support/s3/s3-server.ts";

const go = (await run(["go", "version"])).code === 0;

/** For a first build of the server, ms. */
const patience = 10 * 60_000;

describe.skipIf(!go)("the key of backups' bucket, where Go can build a server of one", () => {
  const folder = mkdtempSync(join(tmpdir(), "bucket-key-"));
  let s3: S3Server;
  beforeAll(async () => {
    s3 = await S3Server.start(folder, ["fleet-backups"]);
  }, patience);
  afterAll(async () => {
    await s3?.stop();
    rmSync(folder, { recursive: true });
  });

  const tried = async (secret: string, changed: object = {}) => {
    const repository = { kind: "s3", endpoint: s3.endpoint, bucket: "fleet-backups", keyId: s3Key.id };
    const [credential] = credentialsOf({ backups: { repository: { ...repository, ...changed } } });
    return credential?.test(secret);
  };

  test("is right where the bucket is listed by it", async () => {
    expect(await tried(s3Key.secret)).toBe("lists the bucket fleet-backups");
    expect(await tried(s3Key.secret, { prefix: "prod" })).toBe("lists the bucket fleet-backups");
  });

  test("is not right where the server refuses it, in the server's words and without the key", async () => {
    const refused = await tried("another").then(String, (error: Error) => error.message);
    expect(refused).toMatch(/^The server of bucket fleet-backups answered with 403: SignatureDoesNotMatch/);
    expect(refused).not.toContain("another");
    await expect(tried(s3Key.secret, { keyId: "nobody" })).rejects.toThrow(
      /answered with 40[34]: .*(access key|user)/i,
    );
    await expect(tried(s3Key.secret, { bucket: "elsewhere" })).rejects.toThrow(/404: NoSuchBucket/);
  });

  test("is not known where no server answers", async () => {
    await expect(tried(s3Key.secret, { endpoint: "http://127.0.0.1:9" })).rejects.toThrow(
      /cannot be reached/,
    );
  });
});
