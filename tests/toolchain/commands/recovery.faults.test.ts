import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { StillFleet } from "../../support/fleet/still-fleet.ts";

let fleet: StillFleet;
let kit: string;
beforeAll(async () => {
  fleet = await StillFleet.start("recovered");
  kit = join(fleet.folder, "elsewhere/fleet.kit");
});
afterAll(() => fleet?.remove());

describe("a stack's state", () => {
  let untouched: unknown;

  test("goes into a kit at every up, once it was asked for", async () => {
    expect(await fleet.refused("recovery", ["use", "--from", kit])).toMatch(
      /elsewhere\/fleet.kit cannot be read/,
    );
    await fleet.done("up");
    expect(existsSync(kit)).toBe(false);
    expect(await fleet.refused("recovery", ["write"])).toMatch(
      /Where the recovery kit of stack recovered goes is not said/,
    );
    const said = await fleet.done("recovery", ["write", "--to", kit]);
    const key = readFileSync(join(fleet.home, "recovery-key"), "utf8").trim();
    expect(said).not.toContain(key);
    expect((await fleet.done("recovery", ["key"])).trim()).toBe(key);
    expect(statSync(kit).mode & 0o777).toBe(0o600);
    const first = readFileSync(kit, "utf8");
    await fleet.done("up");
    expect(readFileSync(kit, "utf8")).not.toBe(first);
    untouched = await fleet.previewed();
    expect(await fleet.clusterSignsIn()).toBe("sync_main");
  });

  test("is not put over one that is there", async () => {
    expect(await fleet.refused("recovery", ["use", "--from", kit])).toMatch(/has a state with \d+ resources/);
  });

  test("comes back from the kit when everything of it is lost: nothing is to be changed then", async () => {
    const key = join(fleet.folder, "key");
    writeFileSync(key, readFileSync(join(fleet.home, "recovery-key")));
    rmSync(fleet.home, { recursive: true });
    expect(await fleet.refused("recovery", ["use", "--from", kit])).toMatch(
      /does not have the key of the kit/,
    );
    await fleet.done("recovery", ["use", "--from", kit, "--key-file", key]);
    expect(await fleet.previewed()).toEqual(untouched);
    expect(await fleet.clusterSignsIn()).toBe("sync_main");
  });

  test("is made anew without a kit: what is there is in the way, until it is taken over", {
    timeout: 600_000,
  }, async () => {
    rmSync(fleet.home, { recursive: true });
    expect(await fleet.refused("up")).toMatch(/role "fleet_owner" already exists/);
    await fleet.done("up", ["--adopt"]);
    expect(await fleet.previewed()).toEqual(untouched);
    expect(await fleet.clusterSignsIn()).toBe("sync_main");
  });
});
