import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { edited } from "../../../fleet/config-edit/edited.ts";
import {
  commitFile,
  commitOnBranch,
  committedText,
  lacksOnly,
  type Tracked,
  tracked,
} from "../../../fleet/config-edit/git.ts";

let folder: string;
let file: string;
const git = (...args: string[]) => execFileSync("git", args, { cwd: folder, encoding: "utf8" });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fleet-git-"));
  file = join(folder, "Pulumi.it's.yaml");
  git("init", "--quiet", "--initial-branch=main");
  git("config", "user.name", "Operator");
  git("config", "user.email", "operator@fleet.example");
  writeFileSync(file, "config: {}\n");
  writeFileSync(join(folder, "other"), "one\n");
  git("add", ".");
  git("commit", "--quiet", "--message", "first");
});
afterEach(() => rmSync(folder, { recursive: true }));

const known = async (): Promise<Tracked> => {
  const found = await tracked(file);
  if (!found) throw new Error("the file is not tracked");
  return found;
};

describe("the stack's file in a Git checkout", () => {
  it("is committed alone: what else was changed or staged stays as it is", async () => {
    const before = await known();
    expect(before).toMatchObject({ name: "Pulumi.it's.yaml", clean: true });
    writeFileSync(file, "config: { a: 1 }\n");
    writeFileSync(join(folder, "other"), "two\n");
    git("add", "other");
    expect((await known()).clean).toBe(false);
    const made = await commitFile(before, "acme: A set; --not an option");
    expect(made).toEqual({ commit: git("rev-parse", "HEAD").trim() });
    expect(git("log", "-1", "--format=%s").trim()).toBe("acme: A set; --not an option");
    expect(git("status", "--short")).toBe("M  other\n");
  });

  it("lacks only an edit that was made by somebody who died, until something else is changed in it", async () => {
    const edits = [{ path: ["tenants", "acme", "running"], value: false }];
    const lacks = async (text: string) => {
      writeFileSync(file, text);
      return lacksOnly(await known(), edits, undefined, text);
    };
    const made = edited("config: {}\n", edits);
    expect(await lacks(made)).toBe(true);
    expect(await lacks(`${made}# by hand\n`)).toBe(false);
    expect(await lacks("config: {}\n")).toBe(false);
  });

  it("gets a branch with one commit, and what is checked out stays as it is", async () => {
    writeFileSync(join(folder, "other"), "two\n");
    const head = git("rev-parse", "HEAD").trim();
    const commit = await commitOnBranch(await known(), "fleet/acme", "config: { b: 2 }\n", "acme: b set");
    expect(git("show", `fleet/acme:Pulumi.it's.yaml`)).toBe("config: { b: 2 }\n");
    expect(git("diff", "--name-only", "main", "fleet/acme").trim()).toMatch(/Pulumi.it's.yaml/);
    expect(git("rev-parse", "fleet/acme", "fleet/acme~1").trim().split("\n")).toEqual([commit, head]);
    expect(git("status", "--short", "--branch")).toBe("## main\n M other\n");
    expect(await readFile(file, "utf8")).toBe("config: {}\n");
  });

  it("is committed with the files that come with it, new ones and changed ones, and none outside of the checkout", async () => {
    const companions = [
      { path: join(folder, "branding/acme.svg"), content: Buffer.from("<svg/>") },
      { path: join(folder, "other"), content: Buffer.from("two\n") },
      { path: join(tmpdir(), "elsewhere.svg"), content: Buffer.from("<svg/>") },
    ];
    const branch = await commitOnBranch(
      await known(),
      "look",
      "config: { b: 2 }\n",
      "acme: look",
      companions,
    );
    expect(git("show", "--format=", "--name-only", branch).trim().split("\n")).toEqual(
      expect.arrayContaining(["branding/acme.svg", "other"]),
    );
    expect(git("show", "look:branding/acme.svg")).toBe("<svg/>");
    expect(git("status", "--short")).toBe("");
    mkdirSync(join(folder, "branding"));
    writeFileSync(join(folder, "branding/acme.svg"), "<svg/>");
    writeFileSync(join(folder, "other"), "two\n");
    const before = await known();
    writeFileSync(file, "config: { b: 2 }\n");
    await commitFile(before, "acme: look", companions);
    expect(git("diff", "main", "look")).toBe("");
    expect(git("status", "--short")).toBe("");
  });

  it.each([["main"], ["-f"], ["a..b"]])("gets no branch called %s", async (name) => {
    const before = git("for-each-ref");
    await expect(commitOnBranch(await known(), name, "x\n", "x")).rejects.toThrow(/branch|free/i);
    expect(git("for-each-ref")).toBe(before);
  });

  it("is told as HEAD has it, whatever was edited since", async () => {
    writeFileSync(file, "config: { edited: true }\n");
    expect(await committedText(await known())).toBe("config: {}\n");
  });

  it("does not count where it was never committed, or where there is no checkout", async () => {
    writeFileSync(join(folder, "new.yaml"), "");
    expect(await tracked(join(folder, "new.yaml"))).toBeUndefined();
    rmSync(join(folder, ".git"), { recursive: true });
    expect(await tracked(file)).toBeUndefined();
  });

  it("says why it could not be committed", async () => {
    const before = await known();
    writeFileSync(file, "config: { a: 1 }\n");
    writeFileSync(join(folder, ".git/hooks/pre-commit"), "#!/bin/sh\necho not today >&2\nexit 1\n", {
      mode: 0o755,
    });
    expect(await commitFile(before, "x")).toEqual({ failure: "not today" });
  });
});
