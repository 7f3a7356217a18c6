import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { readPlace, syncWithDatabase } from "../../../toolchain/commands/ask-database.ts";
import { certifyServer } from "../../../toolchain/fakes/server-certificate.ts";

const pooler = "aws-0-eu-central-1.pooler.supabase.com";

describe("where a Postgres answers", () => {
  it.each([
    [pooler, { host: pooler }],
    ["db.example.com:6432", { host: "db.example.com", port: 6432 }],
    ["2001:db8::7", { host: "2001:db8::7" }],
    [
      `postgresql://postgres.abcdefgh:[YOUR-PASSWORD]@${pooler}:5432/postgres`,
      { host: pooler, user: "postgres.abcdefgh" },
    ],
    [
      "postgres://admin:a@b:c@db.example.com/replicas?sslmode=require",
      { host: "db.example.com", user: "admin", database: "replicas" },
    ],
    ["postgres://admin@[2001:db8::7]:6432", { host: "2001:db8::7", user: "admin", port: 6432 }],
  ])("is read from %s, without a password", (text, place) => {
    expect(readPlace(text)).toEqual(place);
  });

  it.each([
    ["", /^Its host is none/],
    ["mysql://admin@db.example.com/replicas", /^Its host is none/],
    ["db.example.com:70000", /^Its port is none/],
    ["postgres://a b@db.example.com/x", /^Its user is none/],
    [`postgres://postgres.abcdefgh@${pooler}:6543/postgres`, /transaction pooler.*5432/],
  ])("is not read from %j", (text, why) => {
    expect(readPlace(text)).toMatch(why);
  });
});

describe("what a config lacks of its database", () => {
  const hosts = { here: { kind: "local" }, control: { kind: "digitalocean" }, old: { kind: "ssh" } };
  const nodes = { a: { port: 9443 } };
  let folder: string;
  let ca: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "ask-database-"));
    ca = join(folder, "ca.crt");
    writeFileSync(ca, (await certifyServer(["db.example.com"])).ca);
    writeFileSync(join(folder, "none.crt"), "-----BEGIN CERTIFICATE-----\n");
    vi.spyOn(process.stdout, "write").mockReturnValue(true);
  });
  afterAll(() => {
    vi.restoreAllMocks();
    rmSync(folder, { recursive: true });
  });

  /** Answers in the order given; an empty one takes what is offered. */
  const answering = (...answers: string[]) => {
    const questions: string[] = [];
    const ask = async (question: string, otherwise = "") => {
      questions.push(question);
      const answer = answers.shift();
      if (answer === undefined) throw new Error(`nobody answers "${question}"`);
      return answer || otherwise;
    };
    return { ask, questions };
  };

  it.each([
    ["the control host is this machine", { hosts, sync: { host: "here", nodes } }],
    ["it is embedded", { hosts, sync: { host: "control", database: { kind: "embedded" } } }],
    [
      "all of it is there",
      { hosts, sync: { host: "control", database: { kind: "external", host: "h", user: "u", ca: "c" } } },
    ],
    ["nothing can be made of it", { hosts: 7, sync: ["x"] }],
  ])("is nothing where %s", async (_, config) => {
    const { ask, questions } = answering();
    expect(await syncWithDatabase(config, ask)).toBeUndefined();
    expect(questions).toEqual([]);
  });

  it.each(["control", "old"])(
    "is asked for where nodes run on a server (%s), and kept beside the rest",
    async (host) => {
      const { ask } = answering(`postgresql://postgres.abcdefgh:[YOUR-PASSWORD]@${pooler}:5432/postgres`, ca);
      expect(await syncWithDatabase({ hosts, sync: { host, nodes } }, ask)).toEqual({
        ...{ host, nodes },
        database: { kind: "external", host: pooler, user: "postgres.abcdefgh", ca },
      });
    },
  );

  it("is asked for where it is said to be external, without what stands there", async () => {
    const database = { kind: "external", host: "db.example.com", port: 6432, password: { secure: "v1:abc" } };
    const { ask, questions } = answering("", ca);
    expect(await syncWithDatabase({ hosts, sync: { host: "here", database } }, ask)).toEqual({
      host: "here",
      database: { ...database, user: "postgres", ca },
    });
    expect(questions).toEqual([expect.stringMatching(/login/), expect.stringMatching(/certificate/)]);
  });

  it("is asked for again until it will do", async () => {
    const { ask, questions } = answering(
      `postgres://postgres.abcdefgh@${pooler}:6543/postgres`,
      pooler,
      "not a login",
      "postgres.abcdefgh",
      join(folder, "missing.crt"),
      join(folder, "none.crt"),
      ca,
    );
    const sync = await syncWithDatabase({ hosts, sync: { host: "control" } }, ask);
    expect(sync?.database).toEqual({ kind: "external", host: pooler, user: "postgres.abcdefgh", ca });
    expect(questions).toHaveLength(7);
  });
});
