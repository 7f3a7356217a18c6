import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../../../toolchain/setup/free-port.ts";
import { goTool } from "../../../toolchain/setup/go-tool.ts";
import { until } from "../fleet/until.ts";

/** Who may use it. */
export const s3Key = { id: "fleet-state", secret: "the key of the fleet's state" };

/** The program of a real S3 server, versitygw; it needs nothing of the system it runs on. */
export const s3Program = (): Promise<string> => {
  const module = "github.com/versity/versitygw";
  return goTool({ folder: import.meta.dirname, module, program: `${module}/cmd/versitygw` });
};

/** A real S3 server over a folder of this machine. */
export class S3Server {
  readonly endpoint: string;
  readonly #folder: string;
  readonly #process: ChildProcess;

  private constructor(endpoint: string, folder: string, process: ChildProcess) {
    this.endpoint = endpoint;
    this.#folder = folder;
    this.#process = process;
  }

  /**
   * @param buckets that are there from the beginning
   * @param options.versions the folder of older versions, for buckets that are to keep such
   * @param options.at address and port, where others than this machine are to reach it
   */
  static async start(
    folder: string,
    buckets: readonly string[],
    { versions, at }: { versions?: string | undefined; at?: string } = {},
  ): Promise<S3Server> {
    const program = await s3Program();
    for (const bucket of buckets) await mkdir(join(folder, bucket), { recursive: true });
    const address = at ?? `127.0.0.1:${await freePort()}`;
    const keeping = versions === undefined ? [] : ["--versioning-dir", versions];
    const child = spawn(program, ["--port", address, "posix", ...keeping, folder], {
      env: { ...process.env, ROOT_ACCESS_KEY: s3Key.id, ROOT_SECRET_KEY: s3Key.secret },
      stdio: "ignore",
    });
    const server = new S3Server(`http://${address}`, folder, child);
    await until("the S3 server answers", () =>
      fetch(server.endpoint).then(
        () => true,
        () => false,
      ),
    );
    return server;
  }

  /** Every object of a bucket goes, as if its keeper had lost it. */
  async lose(bucket: string): Promise<void> {
    await rm(join(this.#folder, bucket, ".pulumi"), { recursive: true });
  }

  async stop(): Promise<void> {
    const ended = new Promise((done) => this.#process.once("close", done));
    this.#process.kill();
    await ended;
  }
}
