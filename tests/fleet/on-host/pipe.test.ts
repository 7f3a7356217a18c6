import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { AskedHost } from "../../../fleet/on-host/asked-host.ts";
import { scriptOn } from "../../../fleet/on-host/asked-host.ts";
import { piped } from "../../../fleet/on-host/pipe.ts";

const sh = (line: string) => ["sh", "-c", line];

describe("programs in a row", () => {
  it("pass bytes on as they are, and count them", async () => {
    const text = randomBytes(300_000).toString("base64");
    let passed = 0;
    const told = await piped([sh(`head -c 1000000 /dev/zero`), sh("wc -c"), sh(`cat; printf end`)], {
      passed: (bytes) => (passed = bytes),
    });
    expect(told).toEqual({ stdout: "1000000\nend" });
    expect(passed).toBe(8);
    expect(text.length).toBeGreaterThan(0);
  });

  it("wait for what the first one reads", async () => {
    const word = Promise.withResolvers<string>();
    const told = piped([sh("cat"), sh("cat")], { input: word.promise });
    word.resolve("the word");
    expect(await told).toEqual({ stdout: "the word" });
  });

  it("end where what the first one was to read never comes", async () => {
    const input = Promise.reject(new Error("it is not wanted"));
    expect((await piped([sh("cat"), sh("cat; sleep 60")], { input })).failure).toBeDefined();
  });

  it.each([
    ["first", [sh("echo broken >&2; exit 3"), sh("cat"), sh("cat")], "broken"],
    ["last", [sh("cat /dev/zero"), sh("cat"), sh("echo full >&2; exit 1")], "full"],
    ["middle", [sh("echo a"), sh("echo bad >&2; exit 2"), sh("cat")], "bad"],
  ])("say what the %s one failed by", async (_, row, failure) => {
    expect((await piped(row)).failure).toBe(failure);
  });

  it("say which one's cause it was where the one behind it only missed the rest", async () => {
    const row = [sh("echo a"), sh("echo lost >&2; exit 255"), sh("cat >/dev/null; exit 0")];
    expect((await piped(row)).failure).toBe("lost");
  });

  it("do not hang on a program that is not there", async () => {
    expect((await piped([["/no/such/program"], sh("cat")])).failure).toContain("127");
  });

  it("end when they are told to", async () => {
    const ended = new AbortController();
    setTimeout(() => ended.abort(), 50);
    expect((await piped([sh("exec sleep 60"), sh("cat")], { signal: ended.signal })).failure).toBeDefined();
  });
});

describe("a script on a host", () => {
  const script = {
    script: "tenant-move" as const,
    variables: { TENANT: "it's $(nasty)", ACTION: "look" },
  };

  it("is called over ssh by its name there, every word quoted", () => {
    const host = {
      spec: { kind: "ssh" },
      told: undefined,
      doors: [["ssh", "qbmgr@203.0.113.20"]],
    } as unknown as AskedHost;
    const argv = scriptOn(host, script) ?? [];
    expect(argv.slice(0, 2)).toEqual(["ssh", "qbmgr@203.0.113.20"]);
    expect(argv[2]).toMatch(/^sudo -n sh -c '.*sh \/usr\/local\/lib\/fleet\/tenant-move\.sh'$/);
    expect(argv).toHaveLength(3);
  });

  it("is none where no `up` has met the host", () => {
    expect(
      scriptOn({ spec: { kind: "ssh" }, told: undefined, doors: [] } as unknown as AskedHost, script),
    ).toBe(undefined);
  });
});
