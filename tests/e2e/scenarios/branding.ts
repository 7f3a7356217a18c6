import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { ServedFile } from "../../../fleet/branding/served-brand.ts";
import type { Applied } from "../../../fleet/config-edit/apply-edit.ts";
import type { Fleet } from "../../support/fleet/fleet.ts";
import { until } from "../../support/fleet/until.ts";

/** Another logo for a running tenant. */
export const branding = (fleet: Fleet) =>
  describe("a changed logo", () => {
    const container = fleet.name("tenant-acme");
    const served = async (path = "/static/logo.png") => (await fleet.tenant("acme").get(path)).body;
    const rendered = () => readFile(join(fleet.root, "tenants/acme/branding/logo.png"));
    const compared = async (code: number) => {
      const run = await fleet.driver.operate("branding", ["acme", "--check", "--json"], {
        mayFail: code !== 0,
      });
      expect(run.code).toBe(code);
      return JSON.parse(run.stdout) as { ok: boolean; files: ServedFile[] };
    };
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

    it("is found right by the command that compares all that is served", async () => {
      const { ok, files } = await compared(0);
      expect(ok).toBe(true);
      expect(files.map(({ path }) => path)).toEqual(
        expect.arrayContaining(["/static/logo.png", "/static/favicon.ico", "/favicon.png"]),
      );
    });

    it("is found wrong there where the application serves another file", async () => {
      const folder = "/app/backend/open_webui/static";
      await fleet.engine.docker(["exec", container, "cp", `${folder}/user.png`, `${folder}/logo.png`]);
      const { ok, files } = await compared(1);
      expect(ok).toBe(false);
      expect(files.filter(({ is }) => is !== "right")).toMatchObject([
        { path: "/static/logo.png", is: "other" },
      ]);
    });

    it("restarts no container", async () => {
      expect(await fleet.snapshot()).toEqual(before);
    });

    it("is at the root's favicon too", async () => {
      expect((await served("/favicon.png")).equals(await served("/static/favicon.png"))).toBe(true);
    });

    it("is made of letters by one command, which leaves nothing to apply", async () => {
      const look = ["acme", "set", "--letters", "AC", "--shape", "circle", "--json"];
      const applied = JSON.parse((await fleet.driver.operate("branding", look)).stdout) as Applied;
      expect(applied).toMatchObject({ changed: true });
      expect((await compared(0)).ok).toBe(true);
      expect(await fleet.snapshot()).toEqual(before);
      expect((await fleet.driver.preview()).stdout).toMatch(/nothing would change/i);
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
