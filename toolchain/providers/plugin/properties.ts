import struct from "google-protobuf/google/protobuf/struct_pb.js";

/**
 * The values properties hold, and their form on the wire.
 *
 * On the wire everything is a google.protobuf.Struct. What Struct cannot say, Pulumi says by agreed strings: a value
 * not known yet (an output of a resource that does not exist yet) is one of seven fixed strings, and a secret is an
 * object with a signature. A stand-in tells the engine that it takes no secrets; the engine then opens them before it
 * sends them, and marks the properties of the same name secret again in what comes back.
 */
export type Value =
  | string
  | number
  | boolean
  | null
  | typeof notYetKnown
  | Value[]
  | { [key: string]: Value };

/** One resource's inputs or state, by property name. */
export type Properties = { [name: string]: Value };

/** A value that only a later step of the update will know; seen in previews alone. */
export const notYetKnown: unique symbol = Symbol("not yet known");

/** What the engine sends for an unknown string; the answer may always use it, whatever the type. */
const unknownString = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** All seven, one a type: see UnknownBoolValue and its neighbours in the Go SDK's common/resource/plugin. */
const unknowns = new Set([
  unknownString,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const received = (value: unknown): Value => {
  if (typeof value === "string" && unknowns.has(value)) return notYetKnown;
  if (Array.isArray(value)) return value.map(received);
  if (!isObject(value)) return value as Value;
  if (value[signatureKey] === secretSignature) return received(value.value);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, received(inner)]));
};

const sent = (value: Value): struct.JavaScriptValue => {
  if (value === notYetKnown) return unknownString;
  if (Array.isArray(value)) return value.map(sent);
  if (isObject(value)) return sentObject(value as Properties);
  return value as string | number | boolean | null;
};

const sentObject = (properties: Properties): Record<string, struct.JavaScriptValue> =>
  Object.fromEntries(
    Object.entries(properties)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, sent(value)]),
  );

/** Properties as the engine sent them; a property that is null counts as absent. */
export const fromStruct = (message: struct.Struct | undefined): Properties => {
  const properties = received(message?.toJavaScript() ?? {}) as Properties;
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== null));
};

/** Properties for the engine; undefined ones are left out. */
export const toStruct = (properties: Properties): struct.Struct =>
  struct.Struct.fromJavaScript(sentObject(properties));

/** Whether the value, or anything inside it, is unknown. */
export const hasUnknown = (value: Value | undefined): boolean => {
  if (value === notYetKnown) return true;
  if (Array.isArray(value)) return value.some(hasUnknown);
  return isObject(value) && Object.values(value as Properties).some(hasUnknown);
};
