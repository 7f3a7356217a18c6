import { describe, expect, test } from "vitest";
import type { Fleet } from "../../../components/fleet-config.ts";
import { leftByPurge, purgedRoots } from "../../../toolchain/commands/down.ts";

const fleet = {
  hosts: [
    { id: "local", kind: "local", root: "/data/local" },
    { id: "fra1-a", kind: "digitalocean", root: "/srv/fleet" },
    { id: "cellar", kind: "ssh", root: "/srv/fleet" },
  ],
  sync: { database: { kind: "external", host: "db.example" } },
} as unknown as Fleet;

describe("a purge", () => {
  test("deletes what the stack made: folders of this machine, and droplets", () => {
    expect(purgedRoots(fleet)).toEqual(["/data/local", "/srv/fleet of host fra1-a"]);
  });

  test("says what it leaves, because it was there before the stack", () => {
    expect(leftByPurge(fleet)).toEqual(["/srv/fleet on host cellar", "replicas and roles in db.example"]);
    const alone = { ...fleet, hosts: fleet.hosts.slice(0, 1), sync: { database: { kind: "embedded" } } };
    expect(leftByPurge(alone as unknown as Fleet)).toEqual([]);
  });
});
