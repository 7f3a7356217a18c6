import { describe, expect, it } from "vitest";
import { resticError, saysNoRepository } from "../../../sync-runtime/backup/backup-error.ts";

const where = "Is there a repository at the following location?\n/repository/acme";

describe("restic's words", () => {
  it.each([
    `Fatal: unable to open config file: stat /repository/acme/config: no such file or directory\n${where}`,
    `Fatal: unable to open config file: Lstat: file does not exist\n${where}`,
    `Fatal: unable to open config file: Stat: The specified key does not exist.\n${where}`,
  ])("say that there is no repository: %s", (said) => {
    expect(saysNoRepository(said)).toBe(true);
  });

  it.each([
    [
      `Fatal: unable to open config file: Stat: The Access Key Id you provided does not exist in our records.\n${where}`,
      "repository-refused",
    ],
    [`Fatal: unable to open config file: Stat: Access Denied.\n${where}`, "repository-refused"],
    [
      `Fatal: unable to open config file: Stat: No user exists with the provided access key ID.\n${where}`,
      "repository-refused",
    ],
    [
      `Fatal: unable to open config file: Stat: The request signature we calculated does not match the signature you provided.\n${where}`,
      "repository-refused",
    ],
    [
      `Fatal: unable to open config file: Stat: The specified bucket does not exist\n${where}`,
      "repository-away",
    ],
    [
      "Fatal: unable to open config file: Stat: dial tcp 127.0.0.1:7070: connect: connection refused",
      "repository-away",
    ],
    ["Fatal: wrong password or no key found", "wrong-passphrase"],
    ["Fatal: unable to save snapshot: write /repository/x: no space left on device", "repository-full"],
    ["decrypting blob 63e1 failed: ciphertext verification failed", "repository-damaged"],
    ["panic: something else", "restic-failed"],
  ])("%s: %s", (said, code) => {
    expect(saysNoRepository(said)).toBe(false);
    expect(resticError("cat", said, "exit code 1").code).toBe(code);
  });
});
