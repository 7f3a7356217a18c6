import { beforeAll, describe, expect, it } from "vitest";
import { patience, type Staging } from "../../support/cloud/staging.ts";

const host = "fra1-a";

/** A droplet replaced on purpose: docs/production.md, "A droplet made anew", step by step. */
export const rebirth = (staging: Staging) =>
  describe("a droplet made anew", () => {
    let chat: string;
    let before: Awaited<ReturnType<typeof marks>>;
    let others: Record<string, string>;
    const previewed: Record<string, { code: number | null; report: string }> = {};

    /** What has to be the same afterwards. */
    const marks = async () => {
      const { volumes, reservedIps } = await staging.account();
      const files =
        "cd /srv/fleet/tenants && sha256sum */config/identity.json */secrets/* */config/*key* 2>/dev/null | sort";
      return {
        address: await staging.addressOf(host),
        reserved: reservedIps.map(({ ip }) => ip).sort(),
        volumes: volumes.map(({ id }) => id),
        files: await staging.within(host, files),
      };
    };
    const previewOf = async (name: string, flags: string[]) => {
      const { code, stdout } = await staging.driver.preview(flags, { mayFail: true });
      previewed[name] = { code, report: stdout };
    };

    beforeAll(async () => {
      chat = await (await staging.signIn("globex", host)).createChat("Asked of the droplet before");
      await staging.driver.sync("globex");
      before = await marks();
      others = await staging.containers("fra1-b");
      const old = (await staging.dropletsOf(host))[0]?.id;
      await staging.edit(({ hosts }) => {
        Object.assign(hosts[host] ?? {}, { generation: 2 });
      });
      await previewOf("protected", []);
      const urns = (await staging.driver.pulumi(["stack", "--show-urns"])).stdout;
      const urn = /urn:\S+::fra1-a-machine-droplet\b/.exec(urns)?.[0] ?? "";
      await staging.driver.pulumi(["state", "unprotect", urn, "--yes"]);
      await previewOf("unasked", []);
      await previewOf("allowed", ["--allow", host]);
      expect(await staging.upFails()).toMatch(
        /STOP: host fra1-a: the droplet is replaced[\s\S]*--allow fra1-a/,
      );
      const since = Date.now();
      await staging.up(["--allow", host]);
      await staging.well(since);
      expect((await staging.dropletsOf(host)).map(({ id }) => id)).not.toContain(old);
    }, patience);

    it("is refused while it is protected, and without a word that it is meant", () => {
      expect(previewed.protected?.code).not.toBe(0);
      expect(previewed.unasked?.code).toBe(1);
      expect(previewed.unasked?.report).toMatch(/STOP/);
    });

    it("is previewed as what it is: a droplet, and neither volume nor address", () => {
      expect(previewed.allowed?.code).toBe(0);
      expect(previewed.allowed?.report).toMatch(/the droplet is replaced/);
      expect(previewed.allowed?.report).not.toMatch(/the volume that holds|reserved address becomes/);
    });

    it("has one droplet, its volume, its address, and each tenant's identity and keys", async () => {
      expect(await staging.dropletsOf(host)).toHaveLength(1);
      expect(await marks()).toEqual(before);
      expect(await staging.machines()).toHaveLength((await staging.account()).droplets.length);
    });

    it("serves its tenants with all their chats", async () => {
      expect((await (await staging.signIn("globex", host)).chats()).map(({ id }) => id)).toContain(chat);
    });

    it("left the other host's tenants alone", async () => {
      expect(await staging.containers("fra1-b")).toEqual(others);
    });

    it(
      "is protected again, and nothing is left to do",
      async () => {
        const state = JSON.parse((await staging.driver.pulumi(["stack", "export"])).stdout);
        const droplet = state.deployment.resources.find(({ urn }: { urn: string }) =>
          urn.endsWith("::fra1-a-machine-droplet"),
        );
        expect(droplet).toMatchObject({ protect: true });
        await staging.nothingIsDue();
      },
      patience,
    );
  });
