import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import automation, { type Stack as Automated, type EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { findCommandLine } from "../../../../toolchain/setup/command-line.mjs";
import { home } from "./plugins.ts";

/** A program; what it returns are the stack's outputs. */
export type Program = () => Promise<Record<string, unknown>> | Record<string, unknown>;

/** What an operation does to one resource. */
export interface Change {
  /** The engine's steps in their order. */
  steps: string[];
  /** Properties that change. */
  because?: string[];
  /** Those among them that do not change in place. */
  forced?: string[];
}

/** Changes by the resource's name; resources that stay as they are do not appear. */
export type Changes = Record<string, Change>;

/** One resource of the state. */
export interface Recorded {
  urn: string;
  id: string;
  type: string;
  inputs: Record<string, unknown>;
  outputs: Record<string, unknown>;
}

/** Whether a value of the state is kept as a secret. */
export const isSecret = (value: unknown): boolean =>
  (value as Record<string, unknown> | undefined)?.["4dabf18193072939515e22adb298388d"] ===
  "1b47061264138c4ac30d75fd1eb44270";

const topLevel = (path: string): string => path.split(/[.[]/)[0] ?? path;

const nameOf = (urn: string): string => urn.slice(urn.lastIndexOf("::") + 2);

/** The stack itself, and providers, which every update looks at. */
const isBackground = (type: string): boolean => type.startsWith("pulumi:");

const listed = (key: "because" | "forced", names: string[]) =>
  names.length > 0 ? { [key]: [...new Set(names)].sort() } : {};

/** Steps are announced before they are taken; what a refresh found is told after it. */
const record = (changes: Changes, told: "resourcePreEvent" | "resOutputsEvent") => (event: EngineEvent) => {
  const step = event[told]?.metadata;
  if (!step || step.op === "same" || isBackground(step.type)) return;
  const name = nameOf(step.urn);
  const { steps = [], because = [], forced = [] } = changes[name] ?? {};
  const diffs = Object.entries(step.detailedDiff ?? {});
  const forcing = diffs.filter(([, { diffKind }]) => diffKind.endsWith("-replace"));
  changes[name] = {
    steps: [...steps, step.op],
    ...listed("because", [...because, ...diffs.map(([path]) => topLevel(path))]),
    ...listed("forced", [...forced, ...forcing.map(([path]) => topLevel(path))]),
  };
};

/** A stack of its own on a backend of its own, driven by the real engine, with the plugins under test. */
export class Stack {
  readonly #automated: Automated;
  readonly #folder: string;
  readonly #removeHome: () => Promise<void>;

  private constructor(automated: Automated, folder: string, removeHome: () => Promise<void>) {
    this.#automated = automated;
    this.#folder = folder;
    this.#removeHome = removeHome;
  }

  static async create(): Promise<Stack> {
    const commandLine = await findCommandLine();
    if (!commandLine) throw new Error("no Pulumi CLI: run `npm run preview` once, which gets one");
    if (commandLine.folder) process.env.PATH = commandLine.folder + delimiter + process.env.PATH;
    const folder = await mkdtemp(join(tmpdir(), "owui-conformance-"));
    const { path, remove } = await home();
    await mkdir(join(folder, "state"));
    const envVars = {
      PULUMI_HOME: path,
      PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
      PULUMI_CONFIG_PASSPHRASE: "a conformance test keeps no secrets",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      PULUMI_IGNORE_AMBIENT_PLUGINS: "true",
    };
    const automated = await automation.LocalWorkspace.createStack(
      { stackName: "test", projectName: "conformance", program: async () => ({}) },
      { envVars },
    );
    return new Stack(automated, folder, remove);
  }

  /** What an update would change. */
  async preview(program: Program): Promise<Changes> {
    const changes: Changes = {};
    await this.#automated.preview({
      program: async () => program(),
      onEvent: record(changes, "resourcePreEvent"),
    });
    return changes;
  }

  /** Updates; what that changed, the outputs with secrets opened, and the lines that were shown meanwhile. */
  async up(
    program: Program,
  ): Promise<{ changes: Changes; outputs: Record<string, unknown>; shown: string[] }> {
    const changes: Changes = {};
    const shown: string[] = [];
    const follow = record(changes, "resourcePreEvent");
    const done = await this.#automated.up({
      program: async () => program(),
      onEvent: (event) => {
        follow(event);
        const said = event.diagnosticEvent;
        if (said?.severity.startsWith("info")) shown.push(said.message.trim());
      },
    });
    const outputs = Object.entries(done.outputs).map(([name, { value }]) => [name, value]);
    return { changes, outputs: Object.fromEntries(outputs), shown };
  }

  /** The text of an update that has to fail. */
  async failure(program: Program): Promise<string> {
    const failed = await this.up(program).then(
      () => undefined,
      (error: Error) => error.message,
    );
    if (failed === undefined) throw new Error("the update was expected to fail, and did not");
    return failed;
  }

  /** Refreshes the state; what had drifted or gone. */
  async refresh(): Promise<Changes> {
    const changes: Changes = {};
    await this.#automated.refresh({ onEvent: record(changes, "resOutputsEvent") });
    return changes;
  }

  /** The state's resources by name, providers under their type's last word. */
  async state(): Promise<Record<string, Recorded>> {
    const { deployment } = await this.#automated.exportStack();
    const resources = (deployment as { resources?: Recorded[] }).resources ?? [];
    return Object.fromEntries(resources.map((resource) => [nameOf(resource.urn), resource]));
  }

  /** Takes a changed state for this stack's. */
  async rewrite(change: (resources: Recorded[]) => void): Promise<void> {
    const exported = await this.#automated.exportStack();
    change((exported.deployment as { resources: Recorded[] }).resources);
    await this.#automated.importStack(exported);
  }

  /** Deletes the stack's resources. */
  async destroy(): Promise<void> {
    await this.#automated.destroy();
  }

  /** Destroys and removes everything the stack left on disk. */
  async remove(): Promise<void> {
    await this.destroy();
    await this.forget();
  }

  /** Removes everything the stack left on disk, and leaves alone what it made elsewhere. */
  async forget(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
    await this.#removeHome();
  }
}
