import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { quote, type ScriptName, scriptsDigest, shellLine } from "../../../components/host/shell.ts";

const nasty = [
  "",
  " ",
  "plain",
  "two words",
  "it's",
  "'",
  "''",
  "\\'",
  '"double"',
  "$HOME",
  "$(id)",
  "`id`",
  "; rm -rf /",
  "a && b || c | d & e",
  "> /etc/passwd < /dev/null",
  "*?[a-z]~",
  "#no comment",
  "!history",
  "back\\slash",
  "line\nfeed",
  "\ttab\r\n",
  "-n",
  "--",
  "=x",
  "ü ✓ 漢字 😀",
  "\u0001\u001b[31m",
];

/** The words as a real shell takes them apart. */
const words = (line: string): string[] =>
  execFileSync("/bin/sh", ["-c", `for word in ${line}; do printf '%s\\0' "$word"; done`], {
    encoding: "utf8",
  })
    .split("\0")
    .slice(0, -1);

describe("a quoted value", () => {
  it("is one word, the same word, for a real shell", () => {
    expect(words(nasty.map(quote).join(" "))).toEqual(nasty);
  });

  it("cannot hold what no shell word can", () => {
    expect(() => quote("a\0b")).toThrow("a shell word cannot hold a NUL byte");
  });
});

describe("a line for a shell", () => {
  it("gives each script its variables, and ends with the first that fails", () => {
    const line = shellLine([
      { script: "install-nginx-file", variables: { FILE: "it's", PORT: 8080 } },
      { script: "reload-nginx", variables: {} },
    ]);
    expect(line).toBe(
      "FILE='it'\\''s' PORT='8080' sh components/host/install-nginx-file.sh && sh components/host/reload-nginx.sh",
    );
  });
});

describe("the digest of scripts", () => {
  it("is the same for the same scripts and another for others", () => {
    const digest = (...names: ScriptName[]) => scriptsDigest(names);
    expect(digest("layout")).toMatch(/^[0-9a-f]{16}$/);
    expect(digest("layout")).toBe(digest("layout"));
    expect(digest("layout")).not.toBe(digest("layout", "tenant-identity"));
  });
});
