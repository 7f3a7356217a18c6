import type { Properties, Value } from "./properties.ts";
import type { Failure, Field, FieldOptions, Fields, Filled, Type } from "./types.ts";

/** What a change of an input does to the resource. */
export type Change = "replace" | "update";

/** An input of a resource. */
export interface Input<T, O extends FieldOptions<T>> extends Field<T, O> {
  change: Change;
}

export type Inputs = Record<string, { type: unknown; options: object; change: Change }>;

const input =
  (change: Change) =>
  <T, const O extends FieldOptions<T> = object>(type: Type<T>, options?: O): Input<T, O> => ({
    type,
    options: options ?? ({} as O),
    change,
  });

/** An input whose change makes a new resource. */
export const replaces = input("replace");
/** An input that is changed in place. */
export const updates = input("update");

/** What an operation gets beside its properties. */
export interface Context<Client> {
  /** What the provider's `connect` returned. */
  client: Client;
  /** The resource's name in the program. */
  name: string;
  /** Aborts when the engine cancels, the call's deadline passes or a custom timeout ends. */
  signal: AbortSignal;
  /** Shows a line beside the resource while it is worked on; nothing secret may go there. */
  status: (line: string) => void;
}

export interface Created {
  id: string;
  /** Outputs and whatever differs from the inputs; the inputs are part of every state anyway. */
  state: Properties;
}

/** What exists: the state as it was, brought up to date. */
export interface Found {
  id: string;
  state: Properties;
}

/**
 * One resource type: a declarative schema and the operations on the real thing.
 *
 * The server derives Check and Diff from the schema, and answers previews without calling an operation, so operations
 * never meet an unknown value.
 */
export interface Resource<I extends Inputs, Client> {
  inputs: I;
  /** Names of the outputs that are not inputs: unknown until the resource exists. */
  outputs: readonly string[];
  /** Outputs that a change in place may alter: unknown in a preview of one. */
  updated?: readonly string[];
  /** Gives the resource a name of its own (`<name>-<7 hex>`) when the program gives none. */
  autonamed?: true;
  /** Old goes before new comes, always; otherwise only where both have one name. */
  deleteBeforeReplace?: true;
  /** More checks than the schema can say, and inputs derived from others; may meet unknowns. */
  check?: (inputs: Properties) => Promise<{ inputs: Properties; failures: Failure[] }>;
  /** Outputs that ask for a replacement by themselves: a certificate that is due. */
  outdated?: (state: Properties, inputs: Properties) => string[];
  create: (inputs: Filled<I>, context: Context<Client>) => Promise<Created>;
  /** Undefined: it is gone. Absent: a refresh changes nothing. */
  read?: (id: string, state: Properties, context: Context<Client>) => Promise<Found | undefined>;
  update?: (
    id: string,
    inputs: Filled<I>,
    state: Properties,
    context: Context<Client>,
  ) => Promise<Properties>;
  delete: (id: string, state: Properties, context: Context<Client>) => Promise<void>;
}

/** A resource of whatever inputs, for the server, which treats them all alike. */
export interface AnyResource<Client> extends Omit<Resource<Inputs, Client>, "create" | "update"> {
  create: (inputs: never, context: Context<Client>) => Promise<Created>;
  update?: (id: string, inputs: never, state: Properties, context: Context<Client>) => Promise<Properties>;
}

/** Ties the types of a resource's schema and operations together. */
export const resource =
  <Client>() =>
  <const I extends Inputs>(definition: Resource<I, Client>): Resource<I, Client> =>
    definition;

/** A provider: its configuration and its resource types, each loaded when first used. */
export interface Provider<Client> {
  /** The package's name: `docker`. */
  name: string;
  /** Configuration properties it takes; others are refused. */
  config: Record<string, { type: unknown; options: object }>;
  /** Makes the client of a configuration; throws what the real provider's Configure says. */
  connect: (config: Properties) => Promise<Client> | Client;
  resources: Record<string, () => Promise<AnyResource<Client>>>;
  functions?: Record<string, (args: Properties, context: Context<Client>) => Promise<Properties>>;
}

/**
 * The resource exists but is not as it should be (a container that never got healthy): the engine keeps its state
 * and tries an update next time.
 */
export class IncompleteError extends Error {
  override readonly name = "IncompleteError";
  readonly id: string;
  readonly state: Properties;

  constructor(message: string, created: Created) {
    super(message);
    this.id = created.id;
    this.state = created.state;
  }
}

/** The fields of a schema, for the functions that do not care about their types. */
export const fieldsOf = (inputs: Inputs): Fields & Inputs => inputs as unknown as Fields & Inputs;

/** A property as a string list, [] if it is none: state written by older versions is taken as it is. */
export const strings = (value: Value | undefined): string[] =>
  Array.isArray(value) ? value.filter((element): element is string => typeof element === "string") : [];
