import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { carriedFrom } from "../../../fleet/adoption/carried.ts";
import { entryEdits, removalEdits, servingEdits, stoppedEdits } from "../../../fleet/adoption/entry.ts";
import { reportOf, reportText } from "../../../fleet/adoption/report.ts";
import { compareVersions, risksOf } from "../../../fleet/adoption/risk.ts";
import { refuseOther } from "../../../fleet/adoption/saga.ts";
import { adminOf } from "../../../fleet/commands/adopt.ts";
import { edited } from "../../../fleet/config-edit/edited.ts";
import { facts, inspection, sourceOf, surveyed } from "./inspected.ts";

const told = (change: Parameters<typeof inspection>[0]) =>
  risksOf(inspection(change)).map(({ refused, what }) => `${refused ? "refused: " : ""}${what}`);

describe("what may go wrong in an adoption", () => {
  it("is nothing, of a deployment as most are", () => expect(told({})).toEqual([]));

  it.each([
    [
      "a later version's database",
      { from: facts({ version: "0.12.4" }) },
      /refused: .*version 0\.12\.4, newer than .*v0\.11\.3/,
    ],
    [
      "a migration nobody knows",
      { survey: surveyed({ heads: ["fork1"] }) },
      /refused: .*migration fork1, which .* does not know/,
    ],
    [
      "no table of users",
      { survey: surveyed({ tables: ["a"], admins: [] }) },
      /refused: .*none of Open WebUI's/,
    ],
    ["no admin", { survey: surveyed({ admins: [] }) }, /refused: None of its accounts is an admin/],
    ["no account", { survey: surveyed({ admins: [], users: 0 }) }, /refused: It has no account/],
    ["another writer", { writers: ["backup"] }, /refused: backup runs with the same data/],
    ["a full disk", { survey: { ...surveyed(), free: 100 } }, /refused: .*disk has/],
    [
      "a fork's tables",
      { survey: surveyed({ tables: ["user", "chat", "acme_billing"] }) },
      /1 of its tables .*: acme_billing/,
    ],
    ["a rollback journal", { survey: surveyed({ journal: "rollback" }) }, /rollback-journal mode/],
    ["left-out links", { survey: surveyed({}, { leftOutCount: 2, leftOut: ["a", "b"] }) }, /2 links .* a, b/],
    ["vectors of an inner model", { survey: surveyed({}, { vectors: 5e6 }) }, /5\.0 MB of vectors/],
    ["another user", { container: sourceOf({ user: "1000:1000" }) }, /runs as user 1000:1000/],
    [
      "published ports",
      { container: sourceOf({ ports: ["0.0.0.0:3000 to 8080/tcp"] }) },
      /0\.0\.0\.0:3000 to 8080\/tcp of open-webui/,
    ],
    ["no sign-in", { container: sourceOf({ environment: { WEBUI_AUTH: "False" } }) }, /without sign-in/],
    [
      "a private model server",
      { container: sourceOf({ environment: { OLLAMA_BASE_URL: "http://ollama:11434" } }) },
      /OLLAMA_BASE_URL names a server/,
    ],
    [
      "uploads in a bucket",
      { container: sourceOf({ environment: { STORAGE_PROVIDER: "s3" } }) },
      /Uploads lie in another server/,
    ],
    [
      "vectors elsewhere",
      { container: sourceOf({ environment: { VECTOR_DB: "qdrant" } }) },
      /Vectors lie in another server/,
    ],
    ["a fork's image", { container: sourceOf({ image: "acme/chat:7" }) }, /Its image is acme\/chat:7/],
    [
      "a bare database without key",
      { wanted: { kind: "file", path: "/w.db", uploads: null, key: null }, container: undefined as never },
      /No secret key comes with it/,
    ],
  ])("names %s", (_, change, said) => {
    expect(told(change as never)).toEqual(expect.arrayContaining([expect.stringMatching(said)]));
  });

  it("does not name a public model server, nor tables that every version has", () => {
    const container = sourceOf({ environment: { OPENAI_API_BASE_URL: "https://api.openai.com/v1" } });
    expect(told({ container, survey: surveyed({ tables: ["user", "migratehistory"] }) })).toEqual([]);
  });

  it("names files of a fork's own look, by image, by mount and by what was changed inside", () => {
    const upstream = new Map([
      ["/app/build/static/logo.png", "1"],
      ["/app/build/favicon.png", "2"],
    ]);
    const changed = new Map([
      ["/app/build/static/logo.png", "other"],
      ["/app/build/favicon.png", "2"],
    ]);
    const own = told({
      container: sourceOf({
        mounts: [
          ...sourceOf({}).mounts,
          { kind: "bind", source: "/srv/l.svg", target: "/app/build/static/favicon.svg", writable: false },
        ],
      }),
      from: facts({ static: changed, changed: ["/app/build/static/custom.css", "/app/build/_app/x.js"] }),
      to: facts({ static: upstream }),
    });
    expect(own.join()).toMatch(
      /files of its own: static\/custom\.css, static\/favicon\.svg, static\/logo\.png\./,
    );
    // Upstream changes its own files from version to version.
    expect(
      told({ from: facts({ version: "0.9.6", static: changed }), to: facts({ static: upstream }) }),
    ).toEqual([]);
  });

  it("tells versions apart by their numbers", () => {
    expect(compareVersions("0.11.3", "0.9.6")).toBeGreaterThan(0);
    expect(compareVersions("0.9.6", "0.9.6-fork.1")).toBe(0);
    expect(compareVersions("0.6.43", "0.7.0")).toBeLessThan(0);
  });
});

describe("what comes along of a source's settings", () => {
  const carried = carriedFrom({
    environment: {
      OPENAI_API_BASE_URLS: "https://a.example/v1/;http://10.1.2.3:8000",
      OPENAI_API_KEYS: "sk-one;",
      RAG_TOP_K: "5",
      TAVILY_API_KEY: "tvly-x",
      WEBUI_SECRET_KEY: "kept elsewhere",
      DATABASE_URL: "sqlite:////x",
      ACME_BILLING: "yes",
      PATH: "/bin",
    },
  });

  it("is what Open WebUI reads; the rest is told with why", () => {
    expect(carried.environment).toEqual([
      { name: "RAG_TOP_K", value: "5", secret: false },
      { name: "TAVILY_API_KEY", value: "tvly-x", secret: true },
    ]);
    expect(carried.connections).toEqual([
      { url: "https://a.example/v1", key: "sk-one" },
      { url: "http://10.1.2.3:8000", key: "" },
    ]);
    expect(carried.left.map(({ name }) => name)).toEqual([
      ...[
        "ACME_BILLING",
        "DATABASE_URL",
        "OPENAI_API_BASE_URLS",
        "OPENAI_API_KEYS",
        "PATH",
        "WEBUI_SECRET_KEY",
      ],
    ]);
    expect(JSON.stringify(carried.left)).not.toMatch(/sk-one|kept elsewhere/);
  });

  it("has OpenAI's own address where only a key was told", () => {
    expect(carriedFrom({ environment: { OPENAI_API_KEY: "sk-1" } }).connections).toEqual([
      { url: "https://api.openai.com/v1", key: "sk-1" },
    ]);
  });

  it("stands in an entry that is stopped first, whose comments stay, and that serves by two lines less", async () => {
    const wanted = {
      ...{ tenant: "acme", host: "local", domain: "acme.localhost", settings: true },
      ...{ image: "ghcr.io/open-webui/open-webui:v0.9.6", admin: { email: "ana@acme.example", name: "Ana" } },
    };
    const { edits, salt } = await entryEdits(wanted, carried, async () => ({
      value: { secure: "v1:x" },
      salt: "s",
    }));
    const before = "config:\n  # ours\n  tenants:\n    globex: # theirs\n      host: local\n";
    const text = edited(before, edits);
    expect(text).toContain("# ours");
    expect(text).toContain("globex: # theirs");
    expect(text).not.toMatch(/sk-one|tvly/);
    expect(salt).toBe("s");
    expect(parse(text).config.tenants.acme).toEqual({
      ...{
        host: "local",
        domain: "acme.localhost",
        running: false,
        version: "v0.9.6",
        persistSettings: true,
      },
      admin: { email: "ana@acme.example", name: "Ana" },
      privateEndpoints: ["10.1.2.3:8000"],
      connections: [
        { url: "https://a.example/v1", key: { secure: "v1:x" } },
        { url: "http://10.1.2.3:8000" },
      ],
      environment: { RAG_TOP_K: "5", TAVILY_API_KEY: { secure: "v1:x" } },
      sync: { paused: true },
    });
    const serving = edited(text, servingEdits("acme"));
    expect(parse(serving).config.tenants.acme).not.toHaveProperty("running");
    expect(parse(serving).config.tenants.acme).not.toHaveProperty("sync");
    expect(parse(edited(serving, stoppedEdits("acme"))).config.tenants.acme).toMatchObject({
      running: false,
    });
    expect(edited(serving, removalEdits("acme"))).toBe(before);
  });
});

describe("the stack's admin of adopted data", () => {
  const of = (admins: { email: string; name: string }[], named?: string) =>
    adminOf({ survey: surveyed({ admins }) }, named);
  const [ana, ben] = [
    { email: "ana@acme.example", name: "Ana" },
    { email: "ben@acme.example", name: " " },
  ];

  it("is its oldest admin, or the one that is named", () => {
    expect(of([ana, ben])).toEqual(ana);
    expect(of([ana, ben], "BEN@acme.example")).toEqual({ email: "ben@acme.example", name: "Administrator" });
    expect(of([{ email: "admin@localhost", name: "User" }, ana])).toEqual(ana);
  });

  it("is never made: who is no admin is refused with who is", () => {
    expect(of([ana], "eve@acme.example")).toMatchObject({
      what: expect.stringContaining("ana@acme.example"),
      remedy: expect.stringMatching(/No account is made/),
    });
    expect(of([{ email: "admin@localhost", name: "User" }])).toMatchObject({
      what: expect.stringMatching(/e-mail address/),
    });
    expect(of([])).toBeUndefined();
  });
});

describe("the report", () => {
  it("says everything, and no secret", () => {
    const container = sourceOf({
      environment: { WEBUI_SECRET_KEY: "never shown", OPENAI_API_KEY: "sk-never" },
    });
    const one = inspection({ container });
    const report = reportOf(
      one,
      { tenant: "acme", host: "local", domain: "acme.localhost", admin: "ana@acme.example" },
      carriedFrom(container),
      risksOf(one),
    );
    const text = reportText(report);
    expect(text + JSON.stringify(report)).not.toMatch(/never/);
    expect(text).toMatch(/^source +container open-webui \(open-webui, running, as root, restart always\)$/m);
    expect(text).toMatch(/^its version +0\.11\.3, migration head2$/m);
    expect(text).toMatch(/^secret key +variable WEBUI_SECRET_KEY$/m);
    expect(text).toMatch(/^admins +ana@acme\.example; the stack's is ana@acme\.example$/m);
  });
});

describe("what an application shows of a copy", () => {
  const copied = { database: { bytes: 1, sha256: "", rows: { user: 3, chat: 10, config: 1 } } } as never;
  it("is refused where rows are missing, and not for what migrations make of others", () => {
    expect(() =>
      refuseOther({ rows: { user: 3, chat: 10, config: 40, new: 1 } }, copied, "tenant"),
    ).not.toThrow();
    expect(() => refuseOther({ rows: { user: 3, chat: 9 } }, copied, "tenant")).toThrow(
      /chat 9 instead of 10/,
    );
  });
});
