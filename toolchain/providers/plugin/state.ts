import { notYetKnown, type Properties, type Value } from "./properties.ts";
import { type AnyResource, fieldsOf } from "./resource.ts";

const select = (properties: Properties, wanted: (name: string) => boolean): Properties =>
  Object.fromEntries(Object.entries(properties).filter(([name]) => wanted(name)));

/** Inputs without the notes that stand beside them (`__defaults`): what a state takes over. */
export const withoutNotes = (inputs: Properties): Properties =>
  select(inputs, (name) => !name.startsWith("__"));

const isComputed = <C>(resource: AnyResource<C>, name: string): boolean => {
  const field = fieldsOf(resource.inputs)[name];
  return field !== undefined && "computed" in field.options;
};

/**
 * What of a state outlives an update to these inputs: outputs, and computed inputs the program leaves out. An input
 * that is no longer given goes.
 */
export const carriedOver = <C>(resource: AnyResource<C>, olds: Properties, news: Properties): Properties => ({
  ...select(olds, (name) => !(name in resource.inputs) || isComputed(resource, name)),
  ...withoutNotes(news),
});

/** A preview's answer: what is known of the state, and the rest marked as unknown. */
export const planned = <C>(
  resource: AnyResource<C>,
  known: Properties,
  fresh: readonly string[],
): Properties => {
  const unset = Object.keys(resource.inputs).filter(
    (name) => isComputed(resource, name) && known[name] === undefined,
  );
  const unknowns = [...fresh, ...unset].map((name): [string, Value] => [name, notYetKnown]);
  return { ...known, ...Object.fromEntries(unknowns) };
};
