import { describe, expect, test } from "vitest";
import { parseFleet } from "../../../components/fleet-config.ts";
import { refusal, validConfig, where } from "./config.ts";

const refused = (backups: object) => refusal((config) => (config.backups = backups));
const s3 = { kind: "s3", bucket: "fleet-backups", keyId: "id", key: "secret" };
const sftp = {
  ...{ kind: "sftp", address: "backups.example.com", user: "fleet", path: "/srv/backups", key: "private" },
  hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx4uUEwFKdqQxyQf9GmNV6nXb2WJdSKBVG4nHOWgTLE backups",
};

const parsed = (repository: object) =>
  parseFleet("local", { ...validConfig(), backups: { repository } }, where).backups;

describe("backups", () => {
  test("are not made where nothing is said of them", () => {
    expect(parseFleet("local", validConfig(), where).backups).toBeUndefined();
  });

  test("are made every six hours, kept for thirty days and tried weekly", () => {
    expect(parsed({ kind: "folder", path: "/mnt/backups" })).toEqual({
      repository: { kind: "folder", path: "/mnt/backups" },
      ...{ every: 21_600, keep: 2_592_000, drill: 604_800, postgres: 15 },
    });
  });

  test("go to Amazon, or to whoever is named", () => {
    expect(parsed(s3)?.repository).toEqual({
      ...s3,
      ...{ endpoint: "https://s3.amazonaws.com", region: "us-east-1" },
    });
    expect(
      parsed({ ...s3, endpoint: "https://fra1.digitaloceanspaces.com", prefix: "a/b" })?.repository,
    ).toMatchObject({ endpoint: "https://fra1.digitaloceanspaces.com", prefix: "a/b" });
  });

  test("go to a server whose key is known", () => {
    expect(parsed(sftp)?.repository).toMatchObject({
      port: 22,
      hostKey: sftp.hostKey.replace(" backups", ""),
    });
  });

  test.each([
    ["without a place", {}, "backups.repository"],
    [
      "a folder without a path",
      { repository: { kind: "folder" } },
      "backups.repository.path\n    found:  nothing",
    ],
    ["a relative path", { repository: { kind: "folder", path: "backups" } }, "backups.repository.path"],
    [
      "a path that leads elsewhere",
      { repository: { kind: "folder", path: "/a/../b" } },
      "backups.repository.path",
    ],
    [
      "a folder with a bucket",
      { repository: { kind: "folder", path: "/a", bucket: "abc" } },
      "backups.repository.bucket\n    found:  a value, beside kind: folder",
    ],
    ["a bucket without a key", { repository: { ...s3, key: undefined } }, "backups.repository.key\n"],
    [
      "a bucket reached without encryption",
      { repository: { ...s3, endpoint: "http://s3.example.com" } },
      "backups.repository.endpoint\n    found:  an address without encryption",
    ],
    [
      "a server whose key is not known",
      { repository: { ...sftp, hostKey: undefined } },
      "backups.repository.hostKey\n    found:  nothing, beside kind: sftp",
    ],
    [
      "a user that is an option of ssh",
      { repository: { ...sftp, user: "-oProxyCommand=x" } },
      "backups.repository.user",
    ],
    ["too often", { repository: { kind: "folder", path: "/a" }, every: "5m" }, "backups.every"],
    ["kept for no time", { repository: { kind: "folder", path: "/a" }, keep: "1h" }, "backups.keep"],
    ["a kind that is none", { repository: { kind: "tape" } }, "backups.repository.kind"],
  ])("are refused: %s", (_, backups, said) => {
    expect(refused(backups)).toContain(said);
  });

  test("never show a key in a refusal", () => {
    expect(refused({ repository: { ...sftp, key: { not: "secret-of-mine" } } })).not.toContain(
      "secret-of-mine",
    );
  });
});
