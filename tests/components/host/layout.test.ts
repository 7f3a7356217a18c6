import { lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
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

  it("stops at what it does not know, saying so", () => {
    const { status, stderr } = host.run(
      [{ script: "layout", variables: { ROOT: host.root } }],
      "link - - x -\n",
    );
    expect(status).toBe(2);
    expect(stderr).toBe('layout: "link" is no kind of entry; nothing after it was made\n');
  });
});
