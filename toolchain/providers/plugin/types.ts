import { notYetKnown, type Properties, type Value } from "./properties.ts";

/** One thing wrong with an input: the path of the property and what is the matter. */
export interface Failure {
  property: string;
  reason: string;
}

/** What a property may hold, and when two of its values count as equal. `T` is the value as TypeScript sees it. */
export interface Type<T> {
  /** The failures of a value, which may hold unknowns; none if it fits. */
  failures(value: Value, path: string): Failure[];
  /** The value with nested defaults filled in and sets in order: the form that is kept. */
  kept(value: Value): Value;
  /** Whether what is (from the state) fulfils what is asked for. */
  fulfils(is: Value | undefined, asked: Value): boolean;
  /** Only for inference: the TypeScript type. */
  readonly sample?: T;
}

export interface FieldOptions<T> {
  /** Absence is a failure. */
  required?: true;
  /** Stands in the inputs when the program gives nothing. */
  default?: T;
  /** The engine or the provider fills it in: what the program leaves out is never a change. */
  computed?: true;
}

/** A property of an object: its type and what its absence means. */
export interface Field<T, O extends FieldOptions<T> = FieldOptions<T>> {
  type: Type<T>;
  options: O;
}

export type Fields = Record<string, Field<never, object>>;

/** The TypeScript type of an object with these fields. */
export type Filled<F> = {
  [K in keyof F]: F[K] extends { type: Type<infer T>; options: infer O }
    ? O extends { required: true } | { default: unknown }
      ? T
      : T | undefined
    : never;
};

/** A field of a nested object. */
export const field = <T, const O extends FieldOptions<T> = object>(
  type: Type<T>,
  options?: O,
): Field<T, O> => ({
  type,
  options: options ?? ({} as O),
});

/** Absent, and what the Terraform SDK under most real plugins cannot tell from it: "", 0, false, [], {}. */
const isEmpty = (value: Value | undefined): boolean => {
  if (value === undefined || value === null || value === "" || value === 0 || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === "object" && Object.values(value).every(isEmpty);
};

const isProperties = (value: Value | undefined): value is Properties =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A type whose values say everything by themselves. */
const primitive = <T extends string | number | boolean>(word: string, expected: string): Type<T> => ({
  failures: (value, property) =>
    value === notYetKnown || typeof value === expected
      ? []
      : [{ property, reason: `expected ${word}, found ${Array.isArray(value) ? "a list" : typeof value}` }],
  kept: (value) => value,
  fulfils: (is, asked) => is === asked || (isEmpty(is) && isEmpty(asked)),
});

export const text = primitive<string>("a string", "string");
export const number = primitive<number>("a number", "number");
export const flag = primitive<boolean>("a boolean", "boolean");

/** One of some strings. */
export const choice = <const T extends string>(...options: T[]): Type<T> => ({
  ...(text as Type<never>),
  failures: (value, property) =>
    value === notYetKnown || options.includes(value as T)
      ? []
      : [{ property, reason: `expected one of ${options.join(", ")}` }],
});

/** Anything at all, compared by its JSON. */
export const anything: Type<Value> = {
  failures: () => [],
  kept: (value) => value,
  fulfils: (is, asked) => JSON.stringify(is) === JSON.stringify(asked),
};

/** Elements of one type in an order that matters. */
export const list = <T>(of: Type<T>): Type<T[]> => ({
  failures: (value, path) => {
    if (value === notYetKnown) return [];
    if (!Array.isArray(value)) return [{ property: path, reason: `expected a list, found ${typeof value}` }];
    return value.flatMap((element, index) => of.failures(element, `${path}[${index}]`));
  },
  kept: (value) => (Array.isArray(value) ? value.map(of.kept) : value),
  fulfils: (is, asked) => {
    if (isEmpty(is) && isEmpty(asked)) return true;
    if (!Array.isArray(is) || !Array.isArray(asked) || is.length !== asked.length) return false;
    return asked.every((element, index) => of.fulfils(is[index], element));
  },
});

/** A list whose order means nothing; kept in the order of its elements' JSON. */
export const set = <T>(of: Type<T>): Type<T[]> => {
  const base = list(of);
  const byJson = (a: Value, b: Value) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
  const ordered = (value: Value) => (Array.isArray(value) ? value.map(of.kept).sort(byJson) : value);
  return {
    failures: base.failures,
    kept: ordered,
    fulfils: (is, asked) => {
      if (isEmpty(is) && isEmpty(asked)) return true;
      if (!Array.isArray(is) || !Array.isArray(asked) || is.length !== asked.length) return false;
      // Matched, not paired by position: the engine may have added to an element what changes its place.
      const left = [...is];
      return asked.every((element) => {
        const index = left.findIndex((candidate) => of.fulfils(candidate, element));
        if (index >= 0) left.splice(index, 1);
        return index >= 0;
      });
    },
  };
};

/** Values of one type by names that are free. */
export const map = <T>(of: Type<T>): Type<Record<string, T>> => ({
  failures: (value, path) => {
    if (value === notYetKnown) return [];
    if (!isProperties(value))
      return [{ property: path, reason: `expected an object, found ${typeof value}` }];
    return Object.entries(value).flatMap(([key, element]) => of.failures(element, `${path}.${key}`));
  },
  kept: (value) => value,
  fulfils: (is, asked) => {
    if (isEmpty(is) && isEmpty(asked)) return true;
    if (!isProperties(is) || !isProperties(asked)) return false;
    const keys = new Set([...Object.keys(is), ...Object.keys(asked)]);
    return [...keys].every((key) => asked[key] !== undefined && of.fulfils(is[key], asked[key]));
  },
});

/** An object with known fields; a field that is not among them is refused, since it would do nothing. */
export const object = <const F extends Record<string, { type: unknown; options: object }>>(
  shape: F,
): Type<Filled<F>> => {
  const fields = shape as unknown as Fields;
  return {
    failures: (value, path) => {
      if (value === notYetKnown) return [];
      if (!isProperties(value))
        return [{ property: path, reason: `expected an object, found ${typeof value}` }];
      return fieldFailures(fields, value, `${path}.`);
    },
    kept: (value) => (isProperties(value) ? keptFields(fields, value) : value),
    fulfils: (is, asked) => {
      if (asked === notYetKnown) return false;
      const [held, wanted] = [isProperties(is) ? is : {}, isProperties(asked) ? asked : {}];
      return Object.entries(fields).every(([name, of]) => fieldFulfils(of, held[name], wanted[name]));
    },
  };
};

/** The failures of an object's properties: unknown names, missing ones, and values that do not fit. */
export const fieldFailures = (fields: Fields, value: Properties, prefix = ""): Failure[] => {
  const foreign = Object.keys(value)
    .filter((name) => !fields[name] && !name.startsWith("__"))
    .map((name) => ({ property: prefix + name, reason: "not supported by the stand-in: leave it out" }));
  const own = Object.entries(fields).flatMap(([name, { type, options }]) => {
    const given = value[name];
    if (given !== undefined && given !== null) return type.failures(given, prefix + name);
    return (options as FieldOptions<unknown>).required
      ? [{ property: prefix + name, reason: "missing: it is required" }]
      : [];
  });
  return [...foreign, ...own];
};

/** The properties in the form that is kept: defaults filled in, nulls left out. */
export const keptFields = (fields: Fields, value: Properties): Properties => {
  const entries = Object.entries(fields).map(([name, { type, options }]): [string, Value | undefined] => {
    const given = value[name] ?? (options as FieldOptions<Value>).default;
    return [name, given === undefined ? undefined : type.kept(given)];
  });
  return Object.fromEntries(entries.filter((entry): entry is [string, Value] => entry[1] !== undefined));
};

/** Whether a property's state fulfils what the inputs ask for; asking for nothing means "empty" unless computed. */
export const fieldFulfils = (
  of: Field<never, object>,
  is: Value | undefined,
  asked: Value | undefined,
): boolean => {
  const options = of.options as FieldOptions<Value>;
  const wanted = asked ?? options.default;
  if (wanted === undefined) return options.computed === true || isEmpty(is);
  return of.type.fulfils(is, wanted);
};
