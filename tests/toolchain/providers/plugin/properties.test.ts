import fc from "fast-check";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import { expect, test } from "vitest";
import {
  fromStruct,
  hasUnknown,
  notYetKnown,
  type Properties,
  toStruct,
  type Value,
} from "../../../../toolchain/providers/plugin/properties.ts";

const value = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    fc.constant(notYetKnown as Value),
    fc.string(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
    fc.boolean(),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(
      fc.string({ maxLength: 5 }).filter((key) => key !== "__proto__"),
      tie("value"),
      { maxKeys: 3 },
    ),
  ),
})).value;

test("what is sent is received again, unknown values included", () => {
  const properties = fc.dictionary(
    fc.string().filter((key) => key !== "__proto__"),
    value,
  );
  fc.assert(
    fc.property(properties, (sent) => {
      const through = struct.Struct.deserializeBinary(toStruct(sent as Properties).serializeBinary());
      expect(fromStruct(through)).toEqual(sent);
    }),
  );
});

test.each([
  "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
])("the engine's sentinel %s is an unknown value", (sentinel) => {
  const message = struct.Struct.fromJavaScript({ outer: { inner: [sentinel] } });
  expect(fromStruct(message)).toEqual({ outer: { inner: [notYetKnown] } });
  expect(hasUnknown(fromStruct(message))).toBe(true);
});

test("a secret that arrives closed is opened, and a property that is null counts as absent", () => {
  const secret = {
    "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
    value: ["hidden"],
  };
  expect(fromStruct(struct.Struct.fromJavaScript({ secret, gone: null }))).toEqual({ secret: ["hidden"] });
});
