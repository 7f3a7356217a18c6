import { spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readableByOthers } from "./file-modes.ts";
import { sightings } from "./process-watch.ts";
import { needleOf, secretsIn, stackSecrets } from "./secrets.ts";
import { until } from "./until.ts";

/** A search that finds nothing proves something only if it would have found it. */
describe("the search for secrets", () => {
  const mark = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270" };
  const secret = (value: unknown) => ({ ...mark, plaintext: JSON.stringify(value) });

  it("takes every secret of an export, however deep, and nothing else", () => {
    const exported = {
      deployment: {
        resources: [
          {
            urn: "urn:pulumi:e2e::project::random:index/password:Password::salt",
            inputs: { length: 32, plain: "a text that all may read" },
            outputs: { result: secret("a-long-enough-secret"), keys: secret(["key-number-one", "x"]) },
          },
        ],
      },
    };
    expect([...stackSecrets(exported).values()]).toEqual(["a-long-enough-secret", "key-number-one"]);
    expect([...stackSecrets(exported).keys()][0]).toContain("random:index/password:Password::salt");
  });

  it("looks for a key by its longest line, since line breaks are written in many ways", () => {
    const key =
      "-----BEGIN X-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg\nabc=\n-----END X-----\n";
    const needles = new Map([["key", needleOf(key)]]);
    expect(secretsIn(JSON.stringify({ key }), needles)).toEqual(["key"]);
    expect(secretsIn("-----BEGIN X-----", needles)).toEqual([]);
  });

  it.each(["cmdline", "environ"] as const)("sees a process that has one in its %s", async (where) => {
    const needle = `needle-in-${where}`;
    const child = spawn("sleep", ["60"], {
      ...(where === "cmdline" ? { argv0: needle } : {}),
      env: { PATH: process.env.PATH, ...(where === "environ" ? { SECRET: needle } : {}) },
    });
    try {
      const needles = new Map([["the needle", needle]]);
      const seen = await until("a sighting", () => sightings(needles).find((one) => one.where === where));
      expect(seen).toMatchObject({ what: "the needle", program: "sleep" });
    } finally {
      child.kill();
    }
  });

  describe("in files", () => {
    let directory: string;

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), "file-modes-"));
      await mkdir(join(directory, "inner"));
      await writeFile(join(directory, "inner/file"), "");
    });
    afterAll(() => rm(directory, { recursive: true }));

    it.each([
      [0o755, 0o644, true],
      [0o755, 0o640, false],
      [0o750, 0o644, false],
    ])("counts directory %o and file %o as readable by others: %s", async (outer, inner, expected) => {
      await chmod(join(directory, "inner/file"), inner);
      await chmod(join(directory, "inner"), outer);
      expect(await readableByOthers(directory, "inner/file")).toBe(expected);
    });
  });
});
