import { randomInt } from "node:crypto";
import type { Properties } from "../plugin/properties.ts";
import { replaces, resource } from "../plugin/resource.ts";
import { type Failure, type Filled, flag, map, number, text } from "../plugin/types.ts";

const lowerCase = "abcdefghijklmnopqrstuvwxyz";
const digits = "0123456789";
const specials = "!@#$%&*()-_=+[]{}<>:?";

const inputs = {
  length: replaces(number, { required: true }),
  keepers: replaces(map(text)),
  lower: replaces(flag, { default: true }),
  upper: replaces(flag, { default: true }),
  numeric: replaces(flag, { default: true }),
  special: replaces(flag, { default: true }),
  minLower: replaces(number, { default: 0 }),
  minUpper: replaces(number, { default: 0 }),
  minNumeric: replaces(number, { default: 0 }),
  minSpecial: replaces(number, { default: 0 }),
  overrideSpecial: replaces(text),
};

type StringInputs = Filled<typeof inputs>;

/** Character classes with the least number of each; a class that is switched off but has a minimum still counts. */
const classesOf = (given: StringInputs) => {
  return [
    { characters: lowerCase, used: given.lower, least: given.minLower },
    { characters: lowerCase.toUpperCase(), used: given.upper, least: given.minUpper },
    { characters: digits, used: given.numeric, least: given.minNumeric },
    { characters: given.overrideSpecial || specials, used: given.special, least: given.minSpecial },
  ];
};

/** One character, each as likely as the others. */
const pick = (characters: string): string => characters.charAt(randomInt(characters.length));

/** The minimum of each class, then any characters allowed, in an order of their own. */
const generate = (given: StringInputs): string => {
  const classes = classesOf(given);
  const least = classes.flatMap(({ characters, least }) =>
    Array.from({ length: least }, () => pick(characters)),
  );
  const allowed = classes.map(({ characters, used }) => (used ? characters : "")).join("");
  const rest = Array.from({ length: given.length - least.length }, () => pick(allowed));
  const all = [...least, ...rest];
  for (let last = all.length - 1; last > 0; last--) {
    const other = randomInt(last + 1);
    [all[last], all[other]] = [all[other] as string, all[last] as string];
  }
  return all.join("");
};

/** Requests that no string can fulfil. */
const check = async (given: Properties): Promise<{ inputs: Properties; failures: Failure[] }> => {
  const minimums = [given.minLower, given.minUpper, given.minNumeric, given.minSpecial];
  const least = minimums.reduce<number>(
    (sum, minimum) => sum + (typeof minimum === "number" ? minimum : 0),
    0,
  );
  const { length } = given;
  const failures: Failure[] = [];
  if (typeof length === "number" && (length < 1 || length < least)) {
    failures.push({ property: "length", reason: `must be at least 1 and the sum of the minimums, ${least}` });
  }
  if ([given.lower, given.upper, given.numeric, given.special].every((used) => used === false)) {
    failures.push({ property: "special", reason: "no class of characters is left" });
  }
  return { inputs: given, failures };
};

/** `number` is the old name of `numeric`: not taken here, but the SDK has it as an output. */
const stateOf = (given: StringInputs) => ({ result: generate(given), number: given.numeric });

/** A string for names; its id is the value itself. */
export const string = resource<undefined>()({
  inputs,
  outputs: ["number", "result"],
  check,
  create: async (given) => {
    const state = stateOf(given);
    return { id: state.result, state };
  },
  delete: async () => {},
});

/** A secret string. The real plugin's bcryptHash of it is not built. */
export const password = resource<undefined>()({
  inputs,
  outputs: ["number", "result"],
  check,
  create: async (given) => ({ id: "none", state: stateOf(given) }),
  delete: async () => {},
});
