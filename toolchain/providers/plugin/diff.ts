import { hasUnknown, type Properties, type Value } from "./properties.ts";
import { type AnyResource, type Change, fieldsOf, strings } from "./resource.ts";
import { fieldFulfils } from "./types.ts";

/** A property that would change. */
export interface PropertyChange {
  property: string;
  change: Change;
  kind: "add" | "delete" | "update";
  /** The inputs themselves changed; otherwise the state drifted from what they ask for. */
  fromInputs: boolean;
}

/** Everything an update would change about one resource. */
export interface Difference {
  changes: PropertyChange[];
  deleteBeforeReplace: boolean;
}

/** A resource before and after an update. */
export interface Versions {
  /** The state. */
  olds: Properties;
  /** The inputs that led to it. */
  oldInputs: Properties;
  news: Properties;
  /** Properties whose changes the program ignores. */
  ignored: readonly string[];
}

/** How the change reads in a preview. */
const kindOf = (is: Value | undefined, asked: Value | undefined): PropertyChange["kind"] => {
  if (asked === undefined) return "delete";
  return is === undefined ? "add" : "update";
};

const sameJson = (a: Value | undefined, b: Value | undefined) => JSON.stringify(a) === JSON.stringify(b);

/**
 * What an update from the state to the inputs would change. Like the real bridge it compares with the state, not with
 * the old inputs, so that drift found by a refresh shows; an unknown input always counts as a change.
 */
export const difference = <C>(
  resource: AnyResource<C>,
  { olds, oldInputs, news, ignored }: Versions,
): Difference => {
  const changed = Object.entries(fieldsOf(resource.inputs)).flatMap(([property, of]): PropertyChange[] => {
    const is = olds[property];
    const asked = news[property];
    if (ignored.includes(property)) return [];
    if (!hasUnknown(asked) && fieldFulfils(of, is, asked)) return [];
    return [
      {
        property,
        change: of.change,
        kind: kindOf(is, asked),
        fromInputs: hasUnknown(asked) || !sameJson(oldInputs[property], asked),
      },
    ];
  });
  const outdated = (resource.outdated?.(olds, news) ?? []).map(
    (property): PropertyChange => ({ property, change: "replace", kind: "update", fromInputs: false }),
  );
  const changes = [...changed, ...outdated];
  const replaced = changes.some(({ change }) => change === "replace");
  const oneName = resource.autonamed === true && sameJson(olds.name, news.name);
  return { changes, deleteBeforeReplace: replaced && (resource.deleteBeforeReplace === true || oneName) };
};

/** The inputs a refreshed state speaks for: those that were given, as far as the real thing drifted from them. */
export const inputsAfterRead = <C>(
  resource: AnyResource<C>,
  before: { state: Properties; inputs: Properties },
  state: Properties,
): Properties => {
  const given = Object.keys(before.inputs);
  // Nothing given: an import, where the state is all there is.
  if (given.length === 0) {
    const imported = Object.keys(resource.inputs).filter((name) => state[name] !== undefined);
    return Object.fromEntries(imported.map((name) => [name, state[name] as Value]));
  }
  const drifted = given.filter(
    (name) => name in resource.inputs && !sameJson(before.state[name], state[name]),
  );
  return { ...before.inputs, ...Object.fromEntries(drifted.map((name) => [name, state[name] ?? null])) };
};

/** Inputs the schema filled in, noted beside them as the real bridge does. */
export const defaultedBy = (inputs: Properties): string[] => strings(inputs.__defaults);
