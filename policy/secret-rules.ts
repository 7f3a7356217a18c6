import { looksSecret } from "../components/fleet-config/environment.ts";
import type { Container } from "./container.ts";
import { known } from "./known.ts";

/** A container's environment and labels are read by whoever may ask the engine; its secrets come in files. */
export function secretFreeContainer(container: Container): string[] {
  const variables = known(() => (container.envs ?? []).filter((entry) => /^[^=]+=./s.test(entry))) ?? [];
  const named = variables
    .map((entry) => entry.slice(0, entry.indexOf("=")))
    .filter(namesSecret)
    .map((name) => `its environment, as ${name}`);
  const labels = (container.labels ?? []).filter((label) => known(() => holdsSecret(label.value)));
  return [...named, ...labels.map(({ label }) => `its label ${label}`)].map(
    (where) =>
      `The container holds a secret in ${where}, where docker inspect shows it. Give it in a file that only the container reads.`,
  );
}

/** A command's text and environment are in process lists and in the state; secrets go by its standard input. */
export function secretFreeCommand(inputs: Record<string, unknown>): string[] {
  const texts = ["create", "update", "delete"].filter((name) => known(() => holdsSecret(inputs[name])));
  const environment = known(() => inputs.environment) as Record<string, unknown> | undefined;
  const variables = Object.keys(environment ?? {}).filter(namesSecret);
  return [
    ...texts.map((name) => `its ${name} text`),
    ...variables.map((name) => `its environment, as ${name}`),
  ].map(
    (where) =>
      `The command is given a secret in ${where}, where process lists show it. Give it on standard input (stdin).`,
  );
}

/** A private key, or something assigned to a name that says what it is. */
const holdsSecret = (value: unknown): boolean =>
  typeof value === "string" &&
  (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(value) ||
    [...value.matchAll(/(?:^|[\s;])([A-Za-z_][A-Za-z0-9_]*)=(?!'?'?(?:\s|$))/g)].some(([, name = ""]) =>
      namesSecret(name),
    ));

/** Names by which secrets are known, programs' own ones like PGPASSWORD too. */
const namesSecret = (name: string): boolean => looksSecret(name) || /PASSWORD$/i.test(name);
