import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CommandFailedError, type CommandOptions, type Outcome, run } from "./command.ts";

const REPOSITORY = fileURLToPath(new URL("../../..", import.meta.url));
/** Commands that change a stack; all others are the operator's line's. */
const CHANGING = ["up", "down", "preview", "drift", "setup", "recovery", "pulumi"];

const programOf = (command: string): string =>
  join(REPOSITORY, CHANGING.includes(command) ? "toolchain/up.mjs" : "fleet/fleet.mjs");

/** The table of `npm run status -- --json`; an interface of the project. */
export interface FleetStatus {
  tenants: {
    id: string;
    url: string;
    health: string;
    replica: { verified_at: string | null; tables: number; rows: number; equal: boolean; decided: number };
  }[];
  nodes: { id: string; leader: boolean; epoch: number }[];
  certificates: { name: string; expires_at: string }[];
}

/** The project's own commands, run on one stack as an operator runs them; keeps what they print. */
export class Driver {
  readonly #stack: string;
  readonly #configFile: string;
  readonly #home: string;
  readonly #always: readonly string[];
  readonly #tell: (line: string) => void;
  /** Where every command's output is kept, for the reader of a failure and the search for secrets. */
  readonly logs: string;
  #commands = 0;
  #lastSaid = "";

  /**
   * @param always flags of every command
   * @param tell hears what each command printed, line by line, while it runs
   */
  constructor(
    stack: string,
    configFile: string,
    home: string,
    logs: string,
    always: readonly string[] = [],
    tell: (line: string) => void = () => {},
  ) {
    this.#always = always;
    this.#tell = tell;
    this.#stack = stack;
    this.#configFile = configFile;
    this.#home = home;
    this.logs = logs;
  }

  /** The end of what the last command printed that was kept. */
  get lastSaid(): string {
    return this.#lastSaid.split("\n").slice(-40).join("\n");
  }

  up({ flags = [], ...options }: CommandOptions & { flags?: string[] } = {}): Promise<Outcome> {
    return this.#command("up", flags, options);
  }

  down(flags: readonly string[] = [], options?: CommandOptions): Promise<Outcome> {
    return this.#command("down", flags, options);
  }

  preview(flags: readonly string[] = [], options?: CommandOptions): Promise<Outcome> {
    return this.#command("preview", flags, options);
  }

  /** Looks at the hosts themselves; ends with 1 where something is not as it should be. */
  host(look: "check" | "security", flags: readonly string[] = []): Promise<Outcome> {
    return this.#command("host", [look, ...flags], { mayFail: true });
  }

  /** Sends a test to everybody who hears of alerts. */
  alert(options?: CommandOptions): Promise<Outcome> {
    return this.#command("alert", ["--test"], options);
  }

  async status(): Promise<FleetStatus> {
    const { stdout } = await this.#command("status", ["--json"]);
    return JSON.parse(stdout) as FleetStatus;
  }

  /** Brings a tenant's replica up to date now. */
  sync(tenant: string): Promise<Outcome> {
    return this.#command("sync", [tenant]);
  }

  /** Lets what a replica is held for go through. */
  accept(tenant: string): Promise<Outcome> {
    return this.#command("sync", [tenant, "--accept", "--yes"]);
  }

  /** Rebuilds a tenant's database into a file; answers what the command says of it. */
  async restore(
    tenant: string,
    to: string,
    flags: readonly string[] = [],
  ): Promise<{ tables: number; rows: number; missing: unknown[] }> {
    const { stdout } = await this.#command("restore", ["--json", "--tenant", tenant, "--to", to, ...flags]);
    return JSON.parse(stdout);
  }

  /** What the operator sees of a tenant's first admin. */
  async password(tenant: string): Promise<string> {
    return (await this.#command("password", [tenant])).stdout;
  }

  /** How a reader of replicas connects, as the operator sees it. */
  async readerPassword(reader: string): Promise<string> {
    return (await this.#command("password", ["--reader", reader])).stdout;
  }

  /** Any command of the operator's line. */
  operate(command: string, args: readonly string[], options?: CommandOptions): Promise<Outcome> {
    return this.#command(command, args, options);
  }

  /** A command of Pulumi's own, on the stack, with the state and passphrase of the driver. */
  pulumi(args: readonly string[], options?: CommandOptions): Promise<Outcome> {
    return this.#command("pulumi", args, options);
  }

  async #command(name: string, args: readonly string[] = [], options?: CommandOptions): Promise<Outcome> {
    const own = ["--stack", this.#stack, "--config-file", this.#configFile, ...this.#always];
    const argv = [process.execPath, programOf(name), name, ...own, ...args];
    this.#tell(`npm run ${[name, ...args].join(" ")}`);
    const outcome = await run(argv, {
      ...(["up", "down"].includes(name) ? { heard: this.#tell } : {}),
      ...options,
      directory: REPOSITORY,
      environment: { ...options?.environment, OWUI_HOME: this.#home },
      mayFail: true,
    });
    // What shows secrets because it was asked to is not to be found on disk.
    if (name !== "password" && !args.includes("--show-secrets")) await this.#keep(name, outcome);
    if (outcome.code !== 0 && !options?.mayFail) throw new CommandFailedError(outcome);
    return outcome;
  }

  async #keep(name: string, outcome: Outcome): Promise<void> {
    this.#commands += 1;
    const file = `${String(this.#commands).padStart(3, "0")}-${name}.log`;
    this.#lastSaid = `${outcome.argv.slice(2).join(" ")}\n${outcome.stdout}${outcome.stderr}`.trim();
    await mkdir(this.logs, { recursive: true });
    await writeFile(join(this.logs, file), `${outcome.argv.join(" ")}\n${outcome.stdout}\n${outcome.stderr}`);
  }
}
