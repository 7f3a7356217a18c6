import { chmod, mkdtemp, rm, statfs } from "node:fs/promises";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { buildContext } from "../../components/runtime-image/build-context.ts";
import { run } from "../../tests/support/fleet/command.ts";
import { type PostgresServer, startServer } from "../../tests/support/postgres-server.ts";
import { createWebuiDatabase } from "../../tests/support/webui-database.ts";
import { probeEngine } from "../../toolchain/setup/machine.mjs";
import { repository } from "../../toolchain/setup/paths.mjs";
import { type Problem, SetupError } from "../../toolchain/setup/problem.mjs";

const IMAGE = "postgres:15-bookworm";
/** The source and its copies, the spool, the exported rows twice, and two replicas at a time with their WAL. */
const DISK_PER_SOURCE = 12;

export type Journal = "wal" | "rollback";

/** What is chosen for a run. */
export interface Choice {
  /** Size of the tenants' database. */
  megabytes: number;
  rounds: number;
}

/** What the parts of one run share: the Postgres, the programs, a folder, the databases that are replicated. */
export class Workbench implements AsyncDisposable {
  readonly megabytes: number;
  readonly rounds: number;
  /** For files, readable by the server's user too; Postgres sees it as `/bench`. */
  readonly folder: string;
  /** Bundles, as the image holds them. */
  readonly programs: { agent: string; node: string };
  readonly progress: (text: string) => void;
  readonly #sources = new Map<string, string>();
  readonly #held = new AsyncDisposableStack();
  #server: PostgresServer | undefined;
  #container = "";
  #postmaster = 0;

  private constructor(choice: Choice, folder: string, directory: string, progress: (text: string) => void) {
    this.megabytes = choice.megabytes;
    this.rounds = choice.rounds;
    this.folder = folder;
    this.programs = { agent: join(directory, "agent.mjs"), node: join(directory, "node.mjs") };
    this.progress = progress;
  }

  /**
   * @param settings of Postgres, `name=value`, where it is not to be stock
   * @throws SetupError when the machine cannot run it
   */
  static async open(
    choice: Choice,
    say: (text: string) => void,
    settings: string[] = [],
  ): Promise<Workbench> {
    const began = performance.now();
    const progress = (text: string) =>
      say(`${`${Math.round((performance.now() - began) / 1000)}`.padStart(5)} s  ${text}`);
    const problems = await problemsOf(choice);
    if (problems.length > 0) throw new SetupError(problems);
    progress("bundles the programs as the image holds them, starts Postgres");
    const { directory } = await buildContext(repository);
    const folder = await mkdtemp(join(tmpdir(), "owui-bench-"));
    const bench = new Workbench(choice, folder, join(repository, directory), progress);
    bench.#held.defer(() => rm(folder, { recursive: true, force: true }));
    try {
      await chmod(folder, 0o777);
      await bench.#startPostgres(settings);
      return bench;
    } catch (error) {
      await bench[Symbol.asyncDispose]();
      throw error;
    }
  }

  get server(): PostgresServer {
    if (!this.#server) throw new Error("The Postgres of this run has not been started.");
    return this.#server;
  }

  /** The Postgres' container. */
  get container(): string {
    return this.#container;
  }

  /** Process id of the Postgres on this machine. */
  get postmaster(): number {
    return this.#postmaster;
  }

  /** A database as the application leaves it, made once per run. Not to be written to: take a copy. */
  source(journal: Journal, megabytes = this.megabytes): string {
    const name = `${journal}-${megabytes}.db`;
    const known = this.#sources.get(name);
    if (known) return known;
    this.progress(`makes a webui.db of ${megabytes} MB, ${journal === "wal" ? "WAL" : "rollback journal"}`);
    const path = join(this.folder, name);
    createWebuiDatabase(path, { schema: "v0.11.3-fresh", journal, megabytes });
    this.#sources.set(name, path);
    return path;
  }

  /** Has something put away at the end, or when the run is broken off; it may have been by then. */
  defer(dispose: () => Promise<void>): void {
    this.#held.defer(dispose);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#held.disposeAsync();
  }

  /** Data on the engine's disk, reached as a neighbour reaches it: not through a published port. */
  async #startPostgres(settings: string[]): Promise<void> {
    const { server, container, stop } = await startServer({
      name: "owui-bench-postgres",
      arguments: ["--volume", `${this.folder}:/bench`],
      settings,
    });
    this.#held.defer(stop);
    this.#container = container;
    const format = "{{.NetworkSettings.IPAddress}} {{.State.Pid}}";
    const { stdout } = await run(["docker", "inspect", "--format", format, container]);
    const [address = "", pid] = stdout.trim().split(" ");
    this.#server = { ...server, host: address, port: 5432 };
    this.#postmaster = Number(pid);
  }
}

/** What keeps this machine from running it. */
async function problemsOf({ megabytes }: Choice): Promise<Problem[]> {
  const engine = await probeEngine();
  if (!engine)
    return [
      {
        what: "No Docker engine answers.",
        why: "Everything is measured against a real Postgres, which runs in a container.",
        remedy: "`npm test` or `npm run up` set the machine up; then run this again.",
      },
    ];
  const image = await run(["docker", "image", "inspect", IMAGE], { mayFail: true });
  const { bavail, bsize } = await statfs(tmpdir());
  const need = DISK_PER_SOURCE * megabytes * 1e6;
  return [
    ...(image.code === 0
      ? []
      : [
          {
            what: `The engine has no image ${IMAGE}.`,
            why: "Replica, pgloader and COPY are measured on the same Postgres.",
            remedy: "`npm test` or `npm run up` get it; then run this again.",
          },
        ]),
    ...(bavail * bsize >= need
      ? []
      : [
          {
            what: `${need / 1e9} GB of free disk are needed in ${tmpdir()}, ${(bavail * bsize) / 1e9} GB are there.`,
            why: `The database of ${megabytes} MB is copied, exported and loaded several times.`,
            remedy: "Make room, set TMPDIR to a larger disk, or choose a smaller --mb.",
          },
        ]),
  ];
}

/** How busy the machine is, for a reader of the numbers. */
export const machineNow = (): string =>
  `${availableParallelism()} processors, load ${loadavg()
    .slice(0, 2)
    .map((load) => load.toFixed(2))
    .join(" ")}`;
