import { describe, expect, test } from "vitest";
import { refusal } from "./config.ts";

const refused = (state: object) => refusal((config) => (config.state = state));

describe("the place of the state is refused", () => {
  test.each([
    ["s3 without a bucket", { kind: "s3" }, "state.bucket\n    found:  nothing, beside kind: s3"],
    [
      "a bucket that nobody would look into",
      { bucket: "fleet" },
      "state.bucket\n    found:  a value, beside kind: file",
    ],
    [
      "an organisation of a bucket's",
      { kind: "s3", bucket: "fleet", organization: "example" },
      "state.organization\n    found:  a value, beside kind: s3\n    remedy: write kind: cloud",
    ],
    [
      "an address without encryption",
      { kind: "s3", bucket: "fleet", endpoint: "http://storage.example.com" },
      "state.endpoint\n    found:  an address without encryption",
    ],
    [
      "an address with a key in it",
      { kind: "s3", bucket: "fleet", endpoint: "https://id:secret@storage.example.com" },
      "state.endpoint",
    ],
    ["a kind that is none", { kind: "ftp" }, "state.kind"],
  ])("%s", (_, state, said) => {
    expect(refused(state)).toContain(said);
  });
});
