import { readFileSync } from "node:fs";
import { looksSecret, managedVariables } from "../../components/fleet-config/environment.ts";
import { nearest } from "../../components/fleet-config/nearest.ts";
import { type Problem, SetupError } from "../../toolchain/setup/problem.mjs";

/** A variable that is to be set; without a value it is asked for. */
export interface Assignment {
  name: string;
  value: string | undefined;
}

/** How operators may overrule what is found. */
export interface Overrules {
  /** Store every value encrypted. */
  secret?: boolean;
  /** Store every value readable, whatever it looks like. */
  plain?: boolean;
  /** Take names that no known version of Open WebUI reads. */
  unknown?: boolean;
}

/** Variables that known versions of Open WebUI read. */
export const knownVariables: readonly string[] = readFileSync(
  new URL("known-variables.txt", import.meta.url),
  "utf8",
)
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"));

/** `NAME=value` and `NAME`, as they stand on the command line. */
export const readAssignments = (words: readonly string[]): Assignment[] =>
  words.map((word) => {
    const at = word.indexOf("=");
    return at < 0 ? { name: word, value: undefined } : { name: word.slice(0, at), value: word.slice(at + 1) };
  });

/** Beginnings of what services give out as keys. */
const keyShapes = /^(sk-|sk_|rk_|ghp_|gho_|github_pat_|glpat-|xox[abpr]-|AKIA|ASIA|AIza|hf_|eyJ)|-----BEGIN /;

/** `scheme://user:password@host` */
const credentialsInUrl = /:\/\/[^/\s:@]*:[^/\s@]+@/;

/** Whether a value must not stand readable in the config: by the variable's name, or by what it looks like. */
export const isSecret = (
  name: string,
  value: string,
  { secret = false, plain = false }: Overrules,
): boolean =>
  secret || (!plain && (looksSecret(name) || keyShapes.test(value) || credentialsInUrl.test(value)));

/** A name that differs in more than this part of it is another name. */
const misspelt = 0.25;

/** Everything that is wrong with the assignments, at once; a secret on the command line is, since others see it there. */
export function refuseWrong(assignments: readonly Assignment[], overrules: Overrules): void {
  const problems = assignments.flatMap((assignment) => problemsOf(assignment, overrules));
  const names = assignments.map(({ name }) => name);
  for (const name of new Set(names.filter((name, index) => names.indexOf(name) !== index)))
    problems.push({
      what: `${name} is set twice.`,
      why: "A variable has one value.",
      remedy: "Leave one of them out.",
    });
  if (assignments.filter(({ value }) => value === undefined).length > 1)
    problems.push({
      what: "More than one value is missing.",
      why: "Standard input holds one.",
      remedy: "Set them one after the other.",
    });
  if (problems.length > 0) throw new SetupError(problems);
}

function problemsOf({ name, value }: Assignment, overrules: Overrules): Problem[] {
  const managed = Object.hasOwn(managedVariables, name) ? managedVariables[name] : undefined;
  if (managed !== undefined)
    return [
      {
        what: `${name} is managed by the fleet.`,
        why: "The tenant's data, address or isolation depends on its value.",
        remedy: `Don't set it: ${managed}.`,
      },
    ];
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    return [
      {
        what: `"${name}" is no name of a variable.`,
        why: "A name has letters, digits and underscores only, with no digit first.",
        remedy: "Write NAME=value.",
      },
    ];
  return [
    ...unknownName(name, overrules),
    ...(value !== undefined && isSecret(name, value, overrules)
      ? [
          {
            what: `The value of ${name} looks like a secret, and stands on the command line.`,
            why: "Other users of this machine and the shell's history can read it there.",
            remedy: `Leave the value out and type it when asked, or pipe it: npx fleet env <tenant> set ${name} < file. If it is no secret: --plain.`,
          },
        ]
      : []),
  ];
}

function unknownName(name: string, { unknown = false }: Overrules): Problem[] {
  if (unknown || knownVariables.includes(name)) return [];
  const meant = nearest(name, knownVariables, misspelt);
  return meant === undefined
    ? []
    : [
        {
          what: `Open WebUI knows no ${name}. Did you mean ${meant}?`,
          why: "A misspelt variable is ignored without a word.",
          remedy: `Set ${meant}, or say --unknown if your version knows ${name}.`,
        },
      ];
}
