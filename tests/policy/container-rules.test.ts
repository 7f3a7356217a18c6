import { describe, expect, test } from "vitest";
import { bindsWithin, unprivileged, withoutEngineSocket } from "../../policy/container-rules.ts";
import { tenantContainer } from "./container.ts";

const withSource = (source: string) => tenantContainer({ mounts: [{ type: "bind", source, target: "/x" }] });

describe("privileges", () => {
  test("a container without them passes", () => {
    expect(unprivileged(tenantContainer())).toEqual([]);
    expect(unprivileged(tenantContainer({ privileged: false }))).toEqual([]);
  });

  test("a privileged container fails", () => {
    expect(unprivileged(tenantContainer({ privileged: true }))).toEqual([
      "The container is privileged, so whoever breaks it owns the host. Name the capabilities it needs instead.",
    ]);
  });
});

describe("the engine's socket", () => {
  test.each(["/data/local/tenants/acme/data", "/var/run/docker.sock.d", "/var/lib"])(
    "%s passes",
    (source) => {
      expect(withoutEngineSocket(withSource(source))).toEqual([]);
    },
  );

  test.each(["/var/run/docker.sock", "/run/docker.sock", "/var/run", "/run/", "/", "/data/../run"])(
    "%s fails",
    (source) => {
      expect(withoutEngineSocket(withSource(source))).toEqual([
        `The container sees the Docker engine's socket through ${source}, so whoever breaks it owns the host. Remove the mount; let a command on the host do the work.`,
      ]);
    },
  );

  test("a bind in the short form fails too", () => {
    const volumes = [{ hostPath: "/var/run/docker.sock", containerPath: "/var/run/docker.sock" }];
    expect(withoutEngineSocket(tenantContainer({ volumes }))).toHaveLength(1);
  });
});

describe("binds", () => {
  const rule = bindsWithin(["/data/local", "/srv/fleet"]);

  test.each(["/data/local", "/data/local/tenants/acme", "/srv/fleet/..x"])("%s passes", (source) => {
    expect(rule(withSource(source))).toEqual([]);
  });

  test.each(["/data", "/data/localhost", "/data/local/../passphrase", "/etc", "/"])("%s fails", (source) => {
    expect(rule(withSource(source))).toEqual([
      `The container sees ${source}, which lies outside the host's data root (/data/local, /srv/fleet). Put the file there, or add its folder to the policy's roots.`,
    ]);
  });

  test("volumes of the engine's own and memory file systems are no binds", () => {
    const mounts = [
      { type: "volume", source: "cache", target: "/cache" },
      { type: "tmpfs", target: "/tmp" },
    ];
    expect(rule(tenantContainer({ mounts, volumes: [{ volumeName: "x", containerPath: "/x" }] }))).toEqual(
      [],
    );
  });
});
