import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { expect } from "vitest";
import { type Supabase, startSupabase } from "../../../toolchain/fakes/supabase/supabase.ts";
import { ownName } from "../../toolchain/providers/conformance/docker-command.ts";
import { type CommandOptions, type Outcome, run } from "./command.ts";

/** Added to the environment of a command. */
export type Environment = Record<string, string>;

/**
 * A fleet that does not run, so that all there is of it are files, keys, and roles in a database of somebody else's; worked
 * on by the project's own commands.
 */
export class StillFleet {
  readonly stack: string;
  /** For everything of the test; removed at its end. */
  readonly folder: string;
  /** The data home, unless a command is given another. */
  readonly home: string;
  readonly config: string;
  readonly #supabase: Supabase;

  private constructor(stack: string, folder: string, supabase: Supabase) {
    this.stack = stack;
    this.folder = folder;
    this.home = join(folder, "home");
    this.config = join(folder, `Pulumi.${stack}.yaml`);
    this.#supabase = supabase;
  }

  static async start(stack: string): Promise<StillFleet> {
    const folder = mkdtempSync(join(tmpdir(), `${stack}-`));
    const supabase = await startSupabase({ home: folder, name: ownName("supabase"), names: ["localhost"] });
    const fleet = new StillFleet(stack, folder, supabase);
    writeFileSync(join(folder, "ca.crt"), supabase.ca);
    fleet.declare({});
    return fleet;
  }

  /**
   * Writes the config.
   * @param changed entries over the usual ones
   * @param name of the replicas' database
   */
  declare(changed: Record<string, unknown>, name = "postgres"): void {
    const { port, password } = this.#supabase;
    const database = {
      ...{ kind: "external", host: "localhost", port, database: name, user: "postgres", password },
      ca: join(this.folder, "ca.crt"),
    };
    const declared = {
      running: false,
      hosts: {
        local: { kind: "local", root: join(this.folder, "data"), http: { port: 28_880 }, agentPort: 28_850 },
      },
      tenants: { acme: { host: "local", domain: "acme.localhost", admin: { email: "admin@acme.example" } } },
      sync: {
        ...{ host: "local", database, readers: { ana: { tenants: "all" } } },
        nodes: { a: { port: 28_843 }, b: { port: 28_844 } },
      },
      monitoring: { prometheus: { port: 28_890 }, alertmanager: { port: 28_893 } },
      ...changed,
    };
    writeFileSync(this.config, JSON.stringify({ config: declared }));
  }

  run(command: string, args: readonly string[], environment: Environment = {}): Promise<Outcome> {
    return run(this.argv(command, args), {
      environment: { OWUI_HOME: this.home, ...environment },
      mayFail: true,
    } satisfies CommandOptions);
  }

  argv(command: string, args: readonly string[]): string[] {
    const own = ["--stack", this.stack, "--config-file", this.config];
    return ["node", "toolchain/up.mjs", command, ...own, ...args];
  }

  /** What a command prints that gets through. */
  async done(command: string, args: readonly string[] = [], environment?: Environment): Promise<string> {
    const { code, stdout, stderr } = await this.run(command, args, environment);
    expect(code, stdout + stderr).toBe(0);
    return stdout;
  }

  /** What a command prints that is refused. */
  async refused(command: string, args: readonly string[] = [], environment?: Environment): Promise<string> {
    const { code, stdout, stderr } = await this.run(command, args, environment);
    expect(code, stdout).toBe(1);
    return stdout + stderr;
  }

  /** What would change, as data. */
  previewed = async (environment?: Environment) =>
    JSON.parse(await this.done("preview", ["--json"], environment));

  /** Whom the cluster signs in as, from the stack's outputs; a state whose secrets cannot be read has none. */
  async clusterSignsIn(environment?: Environment): Promise<string> {
    const output = ["stack", "output", "replicas", "--json", "--show-secrets"];
    const { user, password, port } = JSON.parse(await this.done("pulumi", output, environment));
    const ssl = { ca: this.#supabase.ca };
    const client = new pg.Client({ host: "localhost", port, user, password, database: "postgres", ssl });
    await client.connect();
    try {
      return (await client.query("SELECT session_user AS who")).rows[0].who;
    } finally {
      await client.end();
    }
  }

  async remove(): Promise<void> {
    await this.#supabase.remove();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
