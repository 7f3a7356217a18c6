import { describe, expect, it } from "vitest";
import {
  isSecret,
  knownVariables,
  readAssignments,
  refuseWrong,
} from "../../../fleet/environment/assignment.ts";

const refusal = (words: string[], overrules = {}): string => {
  try {
    refuseWrong(readAssignments(words), overrules);
    return "";
  } catch (error) {
    return (error as Error).message;
  }
};

describe("variables on the command line", () => {
  it("are read up to the first equals sign", () => {
    expect(readAssignments(["A=b=c", "KEY", "EMPTY="])).toEqual([
      { name: "A", value: "b=c" },
      { name: "KEY", value: undefined },
      { name: "EMPTY", value: "" },
    ]);
  });

  it.each([
    ["RAG_TOP_K", "5", false],
    ["TAVILY_API_KEY", "anything", true],
    ["OAUTH_CLIENT_SECRET", "anything", true],
    ["RAG_TOP_K", "sk-abcdefgh", true],
    ["SOME_URL", "postgres://user:password@host/db", true],
    ["SOME_URL", "https://host/a:b@c", false],
    ["CERTIFICATE", "-----BEGIN PRIVATE KEY-----", true],
  ])("%s=%s is a secret: %s", (name, value, secret) => {
    expect(isSecret(name, value, {})).toBe(secret);
    expect(isSecret(name, value, { secret: true })).toBe(true);
    expect(isSecret(name, value, { plain: true })).toBe(false);
  });

  it("are refused as a whole, with everything that is wrong with them", () => {
    const said = refusal(["RAG_TOPK=5", "TAVILY_API_KEY=abc", "WEBUI_SECRET_KEY=x", "9x=1", "A", "B"]);
    for (const line of [
      "knows no RAG_TOPK. Did you mean RAG_TOP_K?",
      "TAVILY_API_KEY looks like a secret",
      "WEBUI_SECRET_KEY is managed by the fleet",
      '"9x" is no name',
      "More than one value is missing",
    ])
      expect(said).toContain(line);
    expect(said).not.toContain("abc");
  });

  it.each([
    [["RAG_TOP_K=5", "TAVILY_API_KEY"], {}],
    [["RAG_TOPK=5"], { unknown: true }],
    [["TAVILY_API_KEY=none"], { plain: true }],
    // Nothing is near: a plugin's own, perhaps.
    [["MY_COMPANYS_PLUGIN_MODE=fast"], {}],
  ])("%j go through with %j", (words, overrules) => {
    expect(refusal(words, overrules)).toBe("");
  });

  it("are known by what Open WebUI's sources ask for", () => {
    expect(knownVariables.length).toBeGreaterThan(800);
    for (const name of ["RAG_TOP_K", "ENABLE_COMMUNITY_SHARING", "OAUTH_CLIENT_ID"])
      expect(knownVariables).toContain(name);
  });
});
