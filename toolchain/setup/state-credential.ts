import * as z from "zod";
import { type Backend, backendText } from "./backend.ts";
import { run } from "./child.mjs";
import type { CommandLine } from "./command-line.mjs";
import { Pulumi } from "./pulumi.ts";
import { lastWord } from "./stack-state.ts";

/** What opens the place of a stack's state. It cannot stand in the stack's config, which is read with it. */
export interface StateCredential {
  what: string;
  from: string;
  /** What is asked for, in this order. */
  asked: string[];
  /** What may hold each instead. */
  variables: string[];
  /** The text that is kept of it. */
  text(values: readonly string[]): string;
}

const s3: Omit<StateCredential, "what"> = {
  from: "whoever keeps the bucket; it has to let read, write, list and delete in that bucket, and nothing else",
  asked: ["access key id", "secret access key"],
  variables: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
  text: ([id, secret]) => `[default]\naws_access_key_id = ${id}\naws_secret_access_key = ${secret}\n`,
};

const cloud: StateCredential = {
  what: "Pulumi Cloud's access token",
  from: "app.pulumi.com, Personal access tokens",
  asked: ["token"],
  variables: ["PULUMI_ACCESS_TOKEN"],
  text: ([token]) => `${token}\n`,
};

/** What a place of states asks for; undefined where the file system's own rights are all. */
export function stateCredentialOf(backend: Backend): StateCredential | undefined {
  if (backend.kind === "file") return undefined;
  return backend.kind === "cloud" ? cloud : { ...s3, what: `The key of ${backendText(backend)}` };
}

/** How long the place may take to answer. */
const patienceMs = 60_000;

/** Looks what is there, as every later command will. @returns what it opens @throws why it does not */
export async function tryState(stack: string, cli: CommandLine, backend: Backend): Promise<string> {
  const { environment } = new Pulumi(stack, cli, backend);
  const argv = ["pulumi", "stack", "ls", "--json", "--non-interactive"];
  const { code, stdout, stderr } = await run(argv, { env: environment, timeout: patienceMs });
  if (code !== 0) throw new Error(code === 124 ? `no answer in ${patienceMs / 1000} s` : lastWord(stderr));
  const stacks = z.array(z.unknown()).parse(JSON.parse(stdout));
  return `opens ${backendText(backend)}, with ${stacks.length} ${stacks.length === 1 ? "stack" : "stacks"} of the project`;
}
