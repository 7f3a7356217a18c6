import { readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { operatorsEntry } from "../../components/fleet-config/operators-entry.ts";
import { plainKeys, readSource } from "../setup/effective-config.ts";
import { ask, askUntil, mayAsk } from "../setup/question.ts";
import { writeEntries } from "../setup/source-edit.ts";
import { configOf, type Invocation } from "./invocation.ts";

/** As much of a config as says whether operators are asked for; whatever else is wrong with it. */
const Wanted = z.object({
  hosts: z.record(z.string(), z.object({ kind: z.string().catch("") }).catch({ kind: "" })).catch({}),
  operators: z.record(z.string(), z.unknown()).catch({}),
});

/** Asks who signs in to the hosts and from where, if the config has hosts that want it and does not say. */
export async function askOperators(invocation: Invocation): Promise<void> {
  const file = configOf(invocation);
  const { hosts, operators } = Wanted.parse(plainKeys((await readSource(file)).config));
  const remote = Object.values(hosts).some(({ kind }) => kind === "digitalocean" || kind === "ssh");
  const missing = ["keys", "addresses"].filter((name) => !hasEntries(operators[name]));
  if (!mayAsk() || !remote || missing.length === 0) return;
  const { keys, addresses, identity } = operatorsEntry.shape;
  const answers: Record<string, unknown> = { ...operators };
  if (missing.includes("keys"))
    answers.keys = [
      await asked("Your public SSH key", publicKeys()[0] ?? "", (key) => keys.safeParse([key]).success),
    ];
  if (missing.includes("addresses")) {
    const from =
      "Address this machine comes from, as the hosts see it (`curl -4 https://ifconfig.me` shows it)";
    answers.addresses = [await asked(from, "", (address) => addresses.safeParse([address]).success)];
  }
  if (operators.identity === undefined) {
    const which = "Private key to sign in with (none: what ssh finds by itself)";
    const path = await asked(which, "", (path) => path === "" || identity.safeParse(path).success);
    if (path) answers.identity = path;
  }
  await writeEntries(file, { operators: answers });
}

const hasEntries = (list: unknown): boolean => Array.isArray(list) && list.length > 0;

/** Asks until the answer is one. */
const asked = (question: string, otherwise: string, isRight: (answer: string) => boolean): Promise<string> =>
  askUntil(ask, question, otherwise, (answer) =>
    isRight(answer) ? undefined : "That is none; docs/configuration.md says what is.",
  );

/** Public keys of this user, those of the newest kind first. */
function publicKeys(): string[] {
  const folder = join(process.env.HOME || homedir(), ".ssh");
  try {
    const files = readdirSync(folder).filter((file) => file.endsWith(".pub"));
    const lines = files.map((file) => readFileSync(join(folder, file), "utf8").trim());
    return lines.sort((a, b) => Number(b.startsWith("ssh-ed25519")) - Number(a.startsWith("ssh-ed25519")));
  } catch {
    return [];
  }
}
