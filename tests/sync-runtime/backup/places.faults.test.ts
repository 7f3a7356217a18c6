import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../../toolchain/setup/free-port.ts";
import { installPackages } from "../../../toolchain/setup/packages.ts";
import { BackupHome } from "../../support/backup-home.ts";
import { until } from "../../support/fleet/until.ts";
import { S3Server, s3Key } from "../../support/s3/s3-server.ts";

beforeAll(() => installPackages(["restic", "openssh-server"], console.log));

let home: BackupHome;
let ends: (() => unknown)[] = [];
afterEach(async () => {
  await home[Symbol.asyncDispose]();
  for (const end of ends) await end();
  ends = [];
});

/** Backs acme up, and reads it back. */
async function thereAndBack(): Promise<void> {
  home.addTenant("acme");
  home.start();
  const { code, complained } = await home.command("run", "acme");
  expect([code, complained]).toEqual([0, ""]);
  const folder = home.path("fetched");
  mkdirSync(folder);
  const fetched = await home.command("fetch", "acme", "latest", folder);
  expect([fetched.code, fetched.complained]).toEqual([0, ""]);
  expect(readFileSync(join(folder, "data/uploads/letter.txt"), "utf8")).toBe("a letter to acme");
}

describe("a bucket", () => {
  it("takes backups and gives them back, and a server that is away is told", async () => {
    home = new BackupHome();
    const server = await S3Server.start(home.path("repository"), ["fleet-backups"]);
    ends.push(() => server.stop());
    writeFileSync(home.path("key"), `${s3Key.secret}\n`, { mode: 0o400 });
    const repository = {
      ...{ kind: "s3" as const, endpoint: server.endpoint, bucket: "fleet-backups", prefix: "a/b" },
      ...{ region: "us-east-1", keyId: s3Key.id, keyFile: home.path("key") },
    };
    home.config.repository = repository;
    await thereAndBack();
    await server.stop();
    ends = [];
    const { code, complained } = await home.command("run", "acme");
    expect(code).toBe(1);
    expect(complained).toContain("cannot be reached");
  });
});

describe("a server that is reached over ssh", () => {
  /** A real sshd of this user, with keys of its own. */
  async function startSshd(): Promise<{ port: number; hostKey: string }> {
    const port = await freePort();
    for (const name of ["host", "client"])
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", home.path(name)]);
    writeFileSync(home.path("authorized"), readFileSync(home.path("client.pub")));
    mkdirSync("/run/sshd", { recursive: true });
    const options = [
      ...[`Port=${port}`, "ListenAddress=127.0.0.1", `HostKey=${home.path("host")}`, "UsePAM=no"],
      ...[`AuthorizedKeysFile=${home.path("authorized")}`, "StrictModes=no", "PidFile=none"],
      ...["Subsystem=sftp internal-sftp", "PermitRootLogin=prohibit-password", "PasswordAuthentication=no"],
    ].flatMap((option) => ["-o", option]);
    const child: ChildProcess = spawn("/usr/sbin/sshd", ["-D", "-f", "/dev/null", ...options], {
      stdio: "ignore",
    });
    ends.push(() => child.kill());
    await until("sshd listens", () => {
      try {
        return execFileSync("ssh-keyscan", ["-p", String(port), "-t", "ed25519", "127.0.0.1"], {
          stdio: ["ignore", "pipe", "ignore"],
        }).length;
      } catch {
        return false;
      }
    });
    return { port, hostKey: readFileSync(home.path("host.pub"), "utf8").trim() };
  }

  it("takes backups and gives them back, and another server in its place is not believed", async () => {
    home = new BackupHome();
    const { port, hostKey } = await startSshd();
    chmodSync(home.path("client"), 0o400);
    writeFileSync(home.path("known_hosts"), `[127.0.0.1]:${port} ${hostKey}\n`);
    home.config.repository = {
      ...{ kind: "sftp", address: "127.0.0.1", port, user: userInfo().username },
      ...{
        path: home.path("repository"),
        keyFile: home.path("client"),
        knownHosts: home.path("known_hosts"),
      },
    };
    await thereAndBack();
    expect(existsSync(home.path("repository/acme/config"))).toBe(true);
    const another = readFileSync(home.path("client.pub"), "utf8").trim();
    writeFileSync(home.path("known_hosts"), `[127.0.0.1]:${port} ${another}\n`);
    const { code, complained } = await home.command("list", "acme");
    expect(code).toBe(1);
    expect(complained).toMatch(/does not let us in|cannot be reached/);
  });
});
