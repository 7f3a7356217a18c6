import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { freePort } from "../../../toolchain/setup/free-port.ts";
import { until } from "../fleet/until.ts";

/** A real sshd of this user, which lets one key in. */
export class Sshd {
  readonly address: string;
  readonly port: number;
  readonly user = userInfo().username;
  readonly #folder: string;
  readonly #process: ChildProcess;

  private constructor(address: string, port: number, folder: string, process: ChildProcess) {
    this.address = address;
    this.port = port;
    this.#folder = folder;
    this.#process = process;
  }

  /**
   * @param folder has its keys; started again over it, it has the same ones
   * @param options.sftp its program for files
   * @param options.at where others than this machine are to reach it, and a port, to be found again there
   */
  static async start(
    folder: string,
    {
      sftp = "internal-sftp",
      at: { address = "127.0.0.1", port: wanted } = {},
    }: { sftp?: string | undefined; at?: { address?: string; port?: number } } = {},
  ): Promise<Sshd> {
    const port = wanted ?? (await freePort());
    const path = (name: string) => join(folder, name);
    mkdirSync(folder, { recursive: true });
    for (const name of ["host", "client"].filter((name) => !existsSync(path(name))))
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path(name)]);
    chmodSync(path("client"), 0o400);
    writeFileSync(path("authorized"), readFileSync(path("client.pub")));
    mkdirSync("/run/sshd", { recursive: true });
    const options = [
      ...[`Port=${port}`, `ListenAddress=${address}`, `HostKey=${path("host")}`, "UsePAM=no"],
      ...[`AuthorizedKeysFile=${path("authorized")}`, "StrictModes=no", "PidFile=none"],
      ...[`Subsystem=sftp ${sftp}`, "PermitRootLogin=prohibit-password", "PasswordAuthentication=no"],
    ].flatMap((option) => ["-o", option]);
    const child = spawn("/usr/sbin/sshd", ["-D", "-f", "/dev/null", ...options], { stdio: "ignore" });
    await until("sshd listens", () => {
      try {
        return execFileSync("ssh-keyscan", ["-p", String(port), "-t", "ed25519", address], {
          stdio: ["ignore", "pipe", "ignore"],
        }).length;
      } catch {
        return false;
      }
    });
    return new Sshd(address, port, folder, child);
  }

  /** Its public key, as those who connect have to know it. */
  get hostKey(): string {
    return readFileSync(join(this.#folder, "host.pub"), "utf8").trim();
  }

  /** The file of the private key that it lets in. */
  get keyFile(): string {
    return join(this.#folder, "client");
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = new Promise((done) => this.#process.once("close", done));
    this.#process.kill();
    await ended;
  }
}
