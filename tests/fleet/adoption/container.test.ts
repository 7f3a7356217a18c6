import { describe, expect, it } from "vitest";
import { dataPlace, isOpenWebui, mountsOf, readContainers } from "../../../fleet/adoption/container.ts";
import { imageOf, refusalsOf } from "../../../fleet/adoption/inspection.ts";
import { wantedOf } from "../../../fleet/adoption/source.ts";
import { readImageFacts } from "../../../fleet/adoption/survey.ts";
import { containerReading, fileReading } from "../../../fleet/on-host/adoption.ts";
import { inspected, said, sourceOf } from "./inspected.ts";

describe("a container", () => {
  it("is read as Docker tells of it, without what its image says by itself", () => {
    expect(readContainers(said(inspected()))).toEqual([
      {
        ...{ id: "a".repeat(64), name: "open-webui", image: "ghcr.io/open-webui/open-webui:v0.11.3" },
        ...{ imageId: `sha256:${"b".repeat(64)}`, running: true, paused: false, autoRemove: false, user: "" },
        restart: "on-failure:5",
        environment: { WEBUI_NAME: "Acme", EMPTY: "", PORT: "8081" },
        labels: {},
        ports: ["0.0.0.0:3000 to 8080/tcp", "127.0.0.1:any to 8080/tcp"],
        mounts: [{ kind: "volume", source: "open-webui", target: "/app/backend/data", writable: true }],
        otherMounts: ["tmpfs at /tmp"],
      },
    ]);
  });

  it("may leave out what older engines do not tell", () => {
    const bare = inspected();
    for (const field of ["Env", "Labels", "User"]) delete (bare.Config as Record<string, unknown>)[field];
    for (const field of ["Mounts", "RestartPolicy", "PortBindings"])
      delete (bare.HostConfig as Record<string, unknown>)[field];
    bare.Mounts = null as never;
    expect(readContainers(said(bare))[0]).toMatchObject({
      environment: {},
      restart: "no",
      mounts: [],
      ports: [],
    });
    expect(readContainers("[]\n[]\n")).toEqual([]);
  });

  it.each([
    [{}, { data: "/app/backend/data", database: "/app/backend/data/webui.db" }],
    [{ DATA_DIR: "/data" }, { data: "/data", database: "/data/webui.db" }],
    [
      { DATABASE_URL: "sqlite:////data/own.db?mode=rw" },
      { data: "/app/backend/data", database: "/data/own.db" },
    ],
    [
      { DATABASE_URL: "sqlite:///data/own.db" },
      { data: "/app/backend/data", database: "/app/backend/data/own.db" },
    ],
    [{ DATABASE_URL: "postgresql://ana:secret@db/webui" }, { scheme: "postgresql" }],
    [{ DATABASE_URL: "sqlite+sqlcipher:///x.db" }, { scheme: "sqlite+sqlcipher" }],
    [{ DATABASE_TYPE: "postgresql" }, { scheme: "postgresql" }],
    [{ DATABASE_URL: "nonsense" }, { scheme: "unknown" }],
  ])("with %j keeps its data in %j", (environment, place) => {
    expect(dataPlace({ environment: environment as never })).toEqual(place);
  });

  it("is an Open WebUI by its image, a fork's by its label or by where its data is", () => {
    expect(isOpenWebui(sourceOf({}))).toBe(true);
    expect(isOpenWebui(sourceOf({ image: "acme/chat:7" }))).toBe(true);
    expect(isOpenWebui(sourceOf({ image: "acme/chat:7", mounts: [] }))).toBe(false);
    const labels = { "org.opencontainers.image.title": "open-webui" };
    expect(isOpenWebui(sourceOf({ image: "acme/chat:7", mounts: [], labels }))).toBe(true);
    expect(isOpenWebui(sourceOf({ image: "redis:7", mounts: [] }))).toBe(false);
  });

  it.each([
    [
      "Postgres",
      { environment: { DATABASE_URL: "postgres://ana:hidden@db/x" } },
      /in postgres, not in SQLite[\s\S]*docs\/adoption\.md/,
    ],
    ["no volume", { mounts: [] }, /lies in no volume[\s\S]*docker cp open-webui:\/app\/backend\/data/],
    ["--rm", { autoRemove: true }, /removes open-webui as soon as it stops/],
    ["a pause", { paused: true }, /docker unpause open-webui/],
    ["a fleet of its own", { labels: { "owui.stack": "prod" } }, /is a fleet's already \(stack prod\)/],
    ["a key of two lines", { environment: { WEBUI_SECRET_KEY: "a\nb" } }, /more than one line/],
  ])("is refused for %s, with what to do, and no secret is told", (_, change, why) => {
    const [refusal] = refusalsOf(sourceOf(change as never));
    expect(Object.values(refusal ?? {}).join("\n")).toMatch(why);
    expect(JSON.stringify(refusal)).not.toContain("hidden");
  });

  it("is not refused as most people run it", () => expect(refusalsOf(sourceOf({}))).toEqual([]));
});

describe("what is read of a source", () => {
  it("is mounted where its container has it, read-only, mounts inside of mounts after those around them", () => {
    const { mounts } = sourceOf({
      mounts: [
        { kind: "bind", source: "/srv/up", target: "/app/backend/data/uploads", writable: true },
        { kind: "volume", source: "webui", target: "/app/backend/data", writable: true },
        { kind: "bind", source: "/var/run/docker.sock", target: "/var/run/docker.sock", writable: true },
      ],
    });
    const place = { data: "/app/backend/data", database: "/app/backend/data/webui.db" };
    expect(mountsOf(place.data, mounts)).toHaveLength(2);
    expect(containerReading(place, mounts)).toEqual({
      mounts:
        "--mount 'type=volume,source=webui,target=/source/app/backend/data,readonly' --mount 'type=bind,source=/srv/up,target=/source/app/backend/data/uploads,readonly'",
      asked: {
        database: "/source/app/backend/data/webui.db",
        data: "/source/app/backend/data",
        uploads: null,
      },
    });
  });

  it("may have commas, quotes and shells' characters in its path", () => {
    const path = `/srv/a,b "c" $(d)'s/webui.db`;
    expect(fileReading({ kind: "file", path, uploads: null, key: null }).mounts).toBe(
      `--mount 'type=bind,"source=/srv/a,b ""c"" $(d)'\\''s",target=/source/database,readonly'`,
    );
  });
});

describe("a source's name", () => {
  it.each([
    [{ container: "open-webui" }, { kind: "container", name: "open-webui" }],
    [{ compose: "chat" }, { kind: "project", name: "chat" }],
    [{ compose: "/opt/chat/" }, { kind: "folder", path: "/opt/chat" }],
    [
      { file: "/srv/webui.db", uploads: "/srv/uploads/" },
      { kind: "file", path: "/srv/webui.db", uploads: "/srv/uploads", key: null },
    ],
  ])("%j is %j", (named, wanted) => {
    expect(wantedOf(named)).toEqual(wanted);
  });

  it.each([
    [{}, /not said/],
    [{ container: "a", file: "/b" }, /More than one/],
    [{ container: "--privileged" }, /no name of a container/],
    [{ container: "a b" }, /no name of a container/],
    [{ compose: "../x" }, /no name of a compose project/],
    [{ file: "webui.db" }, /no absolute path/],
    [{ file: "/a/../etc/shadow" }, /no absolute path/],
    [{ file: "/a\nb" }, /no absolute path/],
    [{ container: "a", uploads: "/x" }, /go with --file alone/],
  ])("%j is refused", (named, why) => expect(() => wantedOf(named)).toThrow(why));
});

describe("what an image says", () => {
  const lines = [
    "version 0.11.3",
    "revision d4c1a8e37b62",
    "table user",
    "table chat",
    `static ${"c".repeat(64)} /app/build/static/logo.png`,
    `static ${"c".repeat(64)} /etc/passwd`,
    "nonsense \x1b[2J",
    "changed /app/build/static/\x1b]0;x",
    "end ok",
  ];

  it("is read line by line, and what makes no sense is passed over", () => {
    expect(readImageFacts(lines.join("\n"))).toEqual({
      version: "0.11.3",
      revisions: new Set(["d4c1a8e37b62"]),
      tables: new Set(["user", "chat"]),
      static: new Map([["/app/build/static/logo.png", "c".repeat(64)]]),
      changed: ["/app/build/static/?]0;x"],
    });
    expect(readImageFacts("version 1; rm -rf /\nend ok")?.version).toBeNull();
  });

  it("does not count when it was cut off", () => expect(readImageFacts(lines[0] ?? "")).toBeUndefined());

  it("decides which version a tenant runs, unless an operator does", () => {
    expect(imageOf({}, { version: "0.9.6" })).toBe("ghcr.io/open-webui/open-webui:v0.9.6");
    expect(imageOf({ version: "v0.11.3" }, { version: "0.9.6" })).toBe(
      "ghcr.io/open-webui/open-webui:v0.11.3",
    );
    expect(imageOf({ image: "acme/chat:7", version: "v1.0.0" })).toBe("acme/chat:7");
    expect(imageOf({})).toMatch(/:v\d/);
  });
});
