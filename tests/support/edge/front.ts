import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Front, nginxConfig } from "../../../components/host/nginx.ts";
import { freePort } from "../../../toolchain/setup/free-port.ts";
import { run } from "../fleet/command.ts";
import { until } from "../fleet/until.ts";

const image = "nginx:stable-bookworm";
const startScript = new URL("../../../components/host/start-nginx.sh", import.meta.url);

const docker = (...argv: string[]) => run(["docker", ...argv]);

/** The fleet's nginx as a host runs it: its image, its configuration's files, its few capabilities. */
export class RunningFront implements AsyncDisposable {
  readonly front: Required<Front> & { https: { address: string; port: number } };
  /** The configuration's directory on this machine. */
  readonly directory: string;
  readonly container = `owui-test-front-${randomBytes(4).toString("hex")}`;

  private constructor(front: RunningFront["front"], directory: string) {
    this.front = front;
    this.directory = directory;
    this.write("nginx.conf", nginxConfig(front));
    this.write("start.sh", readFileSync(startScript, "utf8"));
    this.write("sites/.keep", "");
  }

  /** A configuration on free ports of the loopback, before nginx runs. */
  static async prepared(directory = mkdtempSync(join(tmpdir(), "front-"))): Promise<RunningFront> {
    const [http, https] = [await freePort(), await freePort()];
    const at = (port: number) => ({ address: "127.0.0.1", port });
    return new RunningFront({ http: at(http), https: at(https) }, directory);
  }

  write(path: string, text: string): void {
    const file = join(this.directory, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  /** What `nginx -t` says of the whole; it throws where nginx refuses it. */
  async tested(): Promise<string> {
    const options = [
      "--rm",
      "--network",
      "none",
      "--read-only",
      "--tmpfs",
      "/tmp",
      "--tmpfs",
      "/var/cache/nginx",
    ];
    const mount = ["--volume", `${this.directory}:/etc/fleet:ro`, "--entrypoint", "nginx"];
    const { stderr } = await docker("run", ...options, ...mount, image, "-t", "-c", "/etc/fleet/nginx.conf");
    return stderr;
  }

  async start(): Promise<void> {
    await this.run();
    await until("nginx answers", () => this.#answers());
  }

  /** @param more options of `docker run` */
  async run(...more: string[]): Promise<void> {
    const adds = ["CHOWN", "NET_BIND_SERVICE", "SETGID", "SETUID"].flatMap((name) => ["--cap-add", name]);
    await docker(
      ...["run", "--detach", "--name", this.container, "--network", "host", "--read-only"],
      ...["--tmpfs", "/tmp", "--tmpfs", "/var/cache/nginx", "--tmpfs", "/run", "--cap-drop", "ALL", ...adds],
      ...["--security-opt", "no-new-privileges", "--volume", `${this.directory}:/etc/fleet:ro`],
      ...[...more, "--entrypoint", "sh", image, "/etc/fleet/start.sh"],
    );
  }

  async #answers(): Promise<boolean> {
    const address = `http://127.0.0.1:${this.front.http.port}/`;
    return (await run(["curl", "-s", "-o", "/dev/null", address], { mayFail: true })).code === 52;
  }

  /** Ends when only workers with the new configuration take connections: for a moment, the former ones do as well. */
  async reload(): Promise<void> {
    const former = await this.#workers();
    await docker("exec", this.container, "nginx", "-s", "reload", "-c", "/etc/fleet/nginx.conf");
    await until("the former workers to take nothing more", async () => {
      const workers = await this.#workers();
      return workers.length > 0 && !workers.some((worker) => former.includes(worker));
    });
  }

  /** Process ids of the workers that take connections. */
  async #workers(): Promise<string[]> {
    const { stdout } = await docker("top", this.container, "-o", "pid,args");
    return stdout
      .split("\n")
      .filter((line) => line.includes("nginx: worker process") && !line.includes("shutting down"))
      .map((line) => line.trim().split(" ", 1)[0] ?? "");
  }

  async log(): Promise<string> {
    const { stdout, stderr } = await docker("logs", this.container);
    return stdout + stderr;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run(["docker", "rm", "--force", this.container], { mayFail: true });
    rmSync(this.directory, { recursive: true });
  }
}
