import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { Fleet } from "../../support/fleet/fleet.ts";
import { until } from "../../support/fleet/until.ts";

/** Another logo for a running tenant. */
export const branding = (fleet: Fleet) =>
  describe("a changed logo", () => {
    const container = fleet.name("tenant-acme");
    const served = async (path = "/static/logo.png") => (await fleet.tenant("acme").get(path)).body;
    const rendered = () => readFile(join(fleet.root, "tenants/acme/branding/logo.png"));
    let old: Buffer;
    let before: Awaited<ReturnType<Fleet["snapshot"]>>;

    /** Waits out a start of the tenant; nginx answers 502 meanwhile. */
    const healthy = () =>
      until(
        "acme to be healthy",
        async () => (await fleet.tenant("acme").get("/health")).status === 200,
        180,
      );

    beforeAll(async () => {
      old = await served();
      before = await fleet.snapshot();
      await fleet.drawLogo("#a05");
      await fleet.up();
    });

    it("is what visitors see as soon as up ends", async () => {
      expect((await served()).equals(old)).toBe(false);
      expect((await served()).equals(await rendered())).toBe(true);
    });

    it("restarts no container", async () => {
      expect(await fleet.snapshot()).toEqual(before);
    });

    it("is at the root's favicon too", async () => {
      expect((await served("/favicon.png")).equals(await served("/static/favicon.png"))).toBe(true);
    });

    it("is still there after a restart", async () => {
      await fleet.engine.docker(["restart", container]);
      await healthy();
      expect((await served()).equals(await rendered())).toBe(true);
    });

    it("is still there after the container was made anew", async () => {
      await fleet.file.setTenant("acme", { environment: { SHOW_ADMIN_DETAILS: "false" } });
      await fleet.up();
      expect((await fleet.engine.container(container)).id).not.toBe(before[container]?.id);
      expect((await served()).equals(await rendered())).toBe(true);
    });
  });
