import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { text as textOf } from "node:stream/consumers";
import { parse } from "yaml";
import {
  type Backend,
  backendText,
  credentialsFile,
  keepCredentials,
  rememberBackend,
  stateFolder,
} from "../setup/backend.ts";
import { ChildError } from "../setup/child.mjs";
import { ensureCommandLine } from "../setup/command-line-build.ts";
import { effectiveFile, type StackFile } from "../setup/effective-config.ts";
import { passphraseFile } from "../setup/passphrase.ts";
import { dataHome, stackFolder } from "../setup/paths.mjs";
import { SetupError } from "../setup/problem.mjs";
import { Pulumi } from "../setup/pulumi.ts";
import { ask, mayAsk } from "../setup/question.ts";
import {
  ensureKey,
  type Kit,
  keyFile,
  kitFile,
  rememberKit,
  seal,
  unseal,
  writeKit,
} from "../setup/recovery-kit.ts";
import { ensureStack } from "../setup/stack.ts";
import { project, readCheckpoint, resourceCount } from "../setup/stack-state.ts";
import { configOf, type Invocation, noFleet, stepsOf } from "./invocation.ts";
import { declaredBackend, declaredIn } from "./its-state.ts";

/** How `npm run recovery` is asked. */
export interface RecoveryInvocation extends Invocation {
  /** Where the kit goes, and is renewed at every `up`. */
  to?: string;
  /** The kit that is used. */
  from?: string;
  /** File that holds its key, `-` for standard input; this data home's own otherwise. */
  keyFile?: string;
}

/** `npm run recovery -- write|use|key`: a file that brings a stack's state back when everything of it is lost. */
export async function recovery(invocation: RecoveryInvocation, what: "write" | "use" | "key"): Promise<void> {
  if (what === "key") process.stdout.write(`${await ensureKey()}\n`);
  else if (what === "write") await write(invocation);
  else await use(invocation);
}

const located = (path: string): string => resolve(process.env.INIT_CWD ?? process.cwd(), path);

async function write(invocation: RecoveryInvocation): Promise<void> {
  const { stack } = invocation;
  if (!(await readCheckpoint(stack))) return void process.stdout.write(noFleet(stack));
  const to = invocation.to ? located(invocation.to) : await kitFile(stack);
  if (to === undefined)
    throw new SetupError([
      {
        what: `Where the recovery kit of stack ${stack} goes is not said.`,
        why: "It has to lie where this machine's loss does not reach it.",
        remedy: "Say it once: npm run recovery -- write --to /mnt/elsewhere/fleet.kit",
      },
    ]);
  await keep(invocation, to);
}

/** Asks where the kit of a stack that has none is to lie, and writes it. */
export async function placeKit(invocation: Invocation): Promise<void> {
  if (!mayAsk() || (await kitFile(invocation.stack))) return;
  const question =
    "File for the recovery kit, where this machine's loss does not reach it (docs/recovery.md; none: no kit)";
  const to = await ask(question);
  if (to !== "") await keep(invocation, located(to));
}

/** What is said of a stack whose loss nothing would bring back. */
export const kitAdvice = async (stack: string): Promise<string> =>
  (await kitFile(stack))
    ? ""
    : `No recovery kit is written, which a lost state comes back from: npm run recovery -- write --stack ${stack} --to /mnt/elsewhere/${stack}.kit\n`;

/** Writes the kit, and has every later `up` do so. */
async function keep(invocation: Invocation, to: string): Promise<void> {
  await rememberKit(invocation.stack, to);
  await stepsOf(invocation).run(
    "kit",
    () => renew(invocation, to),
    () => to,
  );
  process.stdout.write(
    [
      "",
      "Every `npm run up` of this stack writes it anew from now on. It opens with a key that lies in",
      `${keyFile}; \`npm run recovery -- key\` prints it. Keep a copy of the key away from this machine and from`,
      "the kit: both together are the whole fleet's secrets, and the kit without the key is nothing.",
      "",
    ].join("\n"),
  );
}

/** Writes the kit of a stack as it is now. */
async function renew(invocation: Invocation, to: string): Promise<void> {
  const { stack } = invocation;
  const { cli } = await ensureCommandLine(() => {});
  const exported = await new Pulumi(stack, cli).run(["stack", "export"]);
  if (exported.code !== 0)
    throw new ChildError("The state could not be read.", ["pulumi", "stack", "export"], exported);
  const credentials = await readFile(credentialsFile(stack), "utf8").catch(() => undefined);
  const kit: Kit = {
    ...(credentials !== undefined && { credentials }),
    ...{ stack, to, written: new Date().toISOString(), state: exported.stdout },
    passphrase: await readFile(passphraseFile, "utf8"),
    source: await readFile(configOf(invocation), "utf8"),
    effective: await readFile(effectiveFile(stack), "utf8"),
  };
  await writeKit(to, seal(kit, await ensureKey()));
}

/**
 * Behind every `up`, whether it got through or not: writes the kit anew where one was ever asked for.
 * @returns what went wrong; a kit that cannot be written is no reason for an `up` to fail
 */
export async function renewKit(invocation: Invocation): Promise<string | undefined> {
  const to = await kitFile(invocation.stack);
  if (to === undefined) return undefined;
  return renew(invocation, to).then(
    () => undefined,
    (error: Error) => `The recovery kit ${to} was not renewed: ${error.message.trim()}`,
  );
}

async function use(invocation: RecoveryInvocation): Promise<void> {
  const { stack, from } = invocation;
  const kit = unseal(await contentOf(from), await keyOf(invocation));
  if (kit.stack !== stack)
    throw refused(`The kit is of stack ${kit.stack}, not of ${stack}.`, `Say --stack ${kit.stack}.`);
  const backend = (await declaredBackend(invocation)) ??
    declaredIn(parse(kit.source) as StackFile) ?? { kind: "file" };
  if (kit.credentials !== undefined && backend.kind !== "file" && !existsSync(credentialsFile(stack)))
    await keepCredentials(stack, kit.credentials);
  const present = resourceCount(await readCheckpoint(stack, backend));
  if (present > 0 && backend.kind === "file")
    throw refused(
      `Stack ${stack} has a state with ${present} resources in ${dataHome}.`,
      "A kit replaces no state. If this one is of no use, use another data home (OWUI_HOME), or move it away.",
    );
  await refuseOthers(stack, kit);
  const steps = stepsOf(invocation);
  await steps.run(
    "state",
    () => putBack(invocation, kit, backend, present > 0),
    () =>
      present > 0
        ? `is still in ${backendText(backend)}, and stays as it is; what opens it is here again`
        : `of ${kit.written}, in ${backendText(backend)}`,
  );
  process.stdout.write(
    [
      "",
      `\`npm run preview -- --stack ${stack}\` shows what has changed since then; \`npm run up\` makes it so.`,
      "If the kit is older than the last `up`, things it does not know are in the way: `npm run up -- --adopt`",
      "takes them over. Tenants' data and replicas were never part of the state and are where they were.",
      "",
    ].join("\n"),
  );
}

async function contentOf(from: string | undefined): Promise<string> {
  if (from === undefined) throw refused("Which kit is not said.", "Say --from <file>.");
  return readFile(located(from), "utf8").catch((cause: Error) => {
    throw refused(`${from} cannot be read: ${cause.message}.`, "Name the kit's file.");
  });
}

async function keyOf({ keyFile: named }: RecoveryInvocation): Promise<string> {
  if (named === "-") return textOf(process.stdin);
  return readFile(named === undefined ? keyFile : located(named), "utf8").catch(() => {
    throw refused(
      named === undefined ? "This machine does not have the key of the kit." : `${named} cannot be read.`,
      "Put the key into a file of its own and say --key-file <path>, or - for standard input.",
    );
  });
}

const refused = (what: string, remedy: string) =>
  new SetupError([{ what, why: "A state is put back only where there is none.", remedy }]);

/** One passphrase opens the secrets of all stacks of a data home: another one would shut them. */
async function refuseOthers(stack: string, { passphrase }: Kit): Promise<void> {
  const present = await readFile(passphraseFile, "utf8").catch(() => undefined);
  if (present === undefined || present === passphrase) return;
  const files = await readdir(join(stateFolder, ".pulumi/stacks", project)).catch(() => []);
  const others = files.filter((file) => file.endsWith(".json") && file !== `${stack}.json`);
  if (others.length > 0)
    throw refused(
      `Other stacks in ${dataHome} (${others.map((file) => file.replace(/\.json$/, "")).join(", ")}) have another passphrase.`,
      "Use a data home of its own: OWUI_HOME=<folder> in front of this and every later command.",
    );
}

/** @param there whether the state itself was not lost */
async function putBack(
  invocation: RecoveryInvocation,
  kit: Kit,
  backend: Backend,
  there: boolean,
): Promise<void> {
  const { stack } = invocation;
  await mkdir(stackFolder(stack), { recursive: true, mode: 0o700 });
  await writeFile(passphraseFile, kit.passphrase, { mode: 0o600 });
  // The salt of the secrets stands in it, and a new stack takes the one it finds.
  await writeFile(effectiveFile(stack), kit.effective, { mode: 0o600 });
  await rememberBackend(stack, backend);
  if (!there) await importState(stack, kit);
  await rememberKit(stack, kit.to);
  const own = configOf(invocation);
  await mkdir(dirname(own), { recursive: true });
  await writeFile(own, kit.source, { flag: "wx" }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
}

async function importState(stack: string, kit: Kit): Promise<void> {
  const { cli } = await ensureCommandLine(() => {});
  const pulumi = new Pulumi(stack, cli);
  await ensureStack(pulumi);
  const file = join(stackFolder(stack), "recovered-state.json");
  await writeFile(file, kit.state, { mode: 0o600 });
  const command = ["stack", "import", "--file", file];
  const outcome = await pulumi.run(command);
  await rm(file);
  if (outcome.code !== 0)
    throw new ChildError("The state could not be put back.", ["pulumi", ...command], outcome);
}
