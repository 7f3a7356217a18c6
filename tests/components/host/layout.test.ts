import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type LayoutEntry, layoutLines } from "../../../components/host/layout.ts";
import { ownOwner as owner, Workbench } from "./script.ts";

/** The lines of a layout, once everything in it is known. */
const linesOf = (entries: LayoutEntry[]): Promise<string> =>
  new Promise((resolve) => {
    layoutLines(entries).apply(resolve);
  });

describe("the lines of a layout", () => {
  it("say what, how, whose, where, and the content in base64", async () => {
    const lines = await linesOf([
      { kind: "directory", path: "a", mode: "0750", owner: "0:8050" },
      { kind: "file", path: "a/file", mode: "0440", owner: "0:0", content: pulumi.output("one\ntwo") },
      { kind: "file", path: "a/empty", mode: "0440", owner: "0:0", content: "" },
      { kind: "secret", path: "a/key", mode: "0600", owner: "0:0" },
      { kind: "print", path: "a/key" },
    ]);
    expect(lines.split("\n")).toEqual([
      "directory 0750 0:8050 a -",
      "file 0440 0:0 a/file b25lCnR3bw==",
      "file 0440 0:0 a/empty -",
      "secret 0600 0:0 a/key -",
      "print - - a/key -",
      "",
    ]);
  });

  it("cannot be taken apart by a path", () => {
    expect(() => layoutLines([{ kind: "print", path: "a b" }])).toThrow(
      'a path of a layout holds white space: "a b"',
    );
  });
});

describe("layout.sh", () => {
  let host: Workbench;
  beforeEach(() => {
    host = new Workbench();
  });
  afterEach(() => host.remove());

  const lay = async (...entries: LayoutEntry[]) =>
    host.run([{ script: "layout", variables: { ROOT: host.root } }], await linesOf(entries));
  const mode = (path: string) => (statSync(join(host.root, path)).mode & 0o7777).toString(8);
  const text = (path: string) => readFileSync(join(host.root, path), "utf8");

  it("makes directories and files with exactly the modes asked for", async () => {
    const { status } = await lay(
      { kind: "directory", path: "a", mode: "2750", owner },
      { kind: "file", path: "a/file", mode: "0440", owner, content: "ünï\n" },
      { kind: "file", path: "a/empty", mode: "0600", owner, content: "" },
    );
    expect(status).toBe(0);
    expect([mode("a"), mode("a/file"), mode("a/empty")]).toEqual(["2750", "440", "600"]);
    expect([text("a/file"), text("a/empty")]).toEqual(["ünï\n", ""]);
    expect(readdirSync(join(host.root, "a")).sort()).toEqual(["empty", "file"]);
  });

  it("keeps what a passphrase was before, each that it ever was", async () => {
    for (const content of ["one", "one", "two", "two", "three"])
      await lay({ kind: "passphrase", path: "locked", mode: "0400", owner, content });
    expect([text("locked"), text("locked.former"), mode("locked.former")]).toEqual([
      "three",
      "one\ntwo\n",
      "400",
    ]);
    expect(readdirSync(host.root).sort()).toEqual(["locked", "locked.former"]);
  });

  it("makes a secret once, prints it, and keeps it however often it runs", async () => {
    const entries: LayoutEntry[] = [
      { kind: "secret", path: "password", mode: "0600", owner },
      { kind: "print", path: "password" },
    ];
    const first = await lay(...entries);
    const second = await lay(...entries);
    expect(first.stdout).toMatch(/^[A-Za-z0-9]{32}$/);
    expect(second.stdout).toBe(first.stdout);
    expect(mode("password")).toBe("600");
  });

  it("makes two secrets that differ", async () => {
    await lay(
      { kind: "secret", path: "one", mode: "0600", owner },
      { kind: "secret", path: "two", mode: "0600", owner },
    );
    expect(text("one")).not.toBe(text("two"));
  });

  it("replaces a file as a whole, so that who has the old one open keeps reading it", async () => {
    const entry = { kind: "file", path: "file", mode: "0440", owner } as const;
    await lay({ ...entry, content: "old" });
    const before = lstatSync(join(host.root, "file")).ino;
    await lay({ ...entry, content: "new" });
    expect(text("file")).toBe("new");
    expect(lstatSync(join(host.root, "file")).ino).not.toBe(before);
  });

  describe("of certificates that are believed", () => {
    const certificate = (name: string) => `-----BEGIN CERTIFICATE-----\n${name}\n-----END CERTIFICATE-----\n`;
    const believe = (kind: "trust" | "trust-only", path: string, ...names: string[]): LayoutEntry => {
      const content = names.map(certificate).join("");
      return { kind, path, mode: "0440", owner, content };
    };
    const believed = (path = "ca.crt") => text(path).match(/^\w+$/gm);
    const waits = () => (existsSync(join(host.root, "waits")) ? text("waits").trim().split("\n").length : 0);

    beforeEach(() => host.program("sleep", `echo "$1" >>${join(host.root, "waits")}`));

    it("makes the file at once where nobody reads it yet", async () => {
      await lay(believe("trust", "ca.crt", "one", "two"), believe("trust-only", "ca.crt", "one", "two"));
      expect(text("ca.crt")).toBe(certificate("one") + certificate("two"));
      expect(mode("ca.crt")).toBe("440");
      expect(waits()).toBe(0);
    });

    it("adds what is new to what is there, and waits until all have noticed, once for all files", async () => {
      host.write("ca.crt", certificate("one") + certificate("two"));
      host.write("other.crt", certificate("one") + certificate("two"));
      await lay(believe("trust", "ca.crt", "two", "three"), believe("trust", "other.crt", "two", "three"));
      expect([believed(), believed("other.crt")]).toEqual([
        ["one", "two", "three"],
        ["one", "two", "three"],
      ]);
      expect(waits()).toBe(1);
      expect(readdirSync(host.root).sort()).toEqual(["ca.crt", "other.crt", "waits"]);
    });

    it("adds nothing twice, and waits for nothing then", async () => {
      host.write("ca.crt", certificate("one") + certificate("two"));
      await lay(believe("trust", "ca.crt", "two", "one"));
      expect(believed()).toEqual(["one", "two"]);
      expect(waits()).toBe(0);
    });

    it("takes the former away only after a moment in which all have stopped showing what it issued", async () => {
      host.write("ca.crt", certificate("one") + certificate("two"));
      host.program("sleep", `cp ${join(host.root, "ca.crt")} ${join(host.root, "while-waiting")}`);
      await lay(believe("trust-only", "ca.crt", "two", "three"));
      expect(believed("while-waiting")).toEqual(["one", "two"]);
      expect(believed()).toEqual(["two", "three"]);
    });
  });

  it("stops at what it does not know, saying so", () => {
    const { status, stderr } = host.run(
      [{ script: "layout", variables: { ROOT: host.root } }],
      "link - - x -\n",
    );
    expect(status).toBe(2);
    expect(stderr).toBe('layout: "link" is no kind of entry; nothing after it was made\n');
  });
});
