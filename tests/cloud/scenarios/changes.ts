import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { entryOf, patience, type Staging } from "../../support/cloud/staging.ts";

const hosts = ["control", "fra1-a", "fra1-b"];
const tenant = (host: string, id: string) => `${host}/owui-staging-tenant-${id}`;

/** What operators do on most days: three changes in one `up`, each of which is only what it is. */
export const changes = (staging: Staging) =>
  describe("a tenant added, a domain changed, a newer Open WebUI", () => {
    let before: Record<string, string>;
    let after: Record<string, string>;
    const chats: Record<string, string> = {};

    beforeAll(async () => {
      for (const id of ["acme", "globex"])
        chats[id] = await (await staging.signIn(id, "fra1-a")).createChat(`Asked of ${id} before`);
      before = await staging.containers(...hosts);
      await staging.edit(({ tenants }) => {
        tenants.hooli = entryOf("hooli", "fra1-b");
        Object.assign(tenants.acme ?? {}, {
          domain: "chat.fleet.example",
          formerDomains: [{ domain: "acme.fleet.example", until: "2099-12-31" }],
        });
        delete tenants.globex?.version;
      });
      const since = Date.now();
      await staging.up();
      await staging.well(since);
      after = await staging.containers(...hosts);
    }, patience);

    it("start these tenants anew, and nothing else", () => {
      const started = Object.keys(after).filter((name) => after[name] !== before[name]);
      expect(started.sort()).toEqual([
        tenant("fra1-a", "acme"),
        tenant("fra1-a", "globex"),
        // The first site of its host that is certified over ACME.
        "fra1-b/owui-staging-acme",
        tenant("fra1-b", "hooli"),
      ]);
      expect(Object.keys(after)).toEqual(expect.arrayContaining(Object.keys(before)));
    });

    it("serve the new tenant under a certificate of its own", async () => {
      expect(await staging.site("fra1-b", "hooli.fleet.example")).toMatchObject({ status: 200 });
    });

    it("serve the renamed one under its new name, and lead there from the old one", async () => {
      expect(await staging.site("fra1-a", "chat.fleet.example")).toMatchObject({ status: 200 });
      expect(await staging.site("fra1-a", "acme.fleet.example", "/c/1?a=b")).toMatchObject({
        status: expect.toBeOneOf([301, 302, 307, 308]),
        location: "https://chat.fleet.example/c/1?a=b",
      });
    });

    it("have both names lead to the host", async () => {
      const address = await staging.addressOf("fra1-a");
      const records = await staging.records();
      for (const name of ["acme.fleet.example", "chat.fleet.example"])
        expect(records).toContainEqual(expect.objectContaining({ name, type: "A", content: address }));
    });

    it("run the newer version", async () => {
      const { version } = await (await staging.tenant("globex", "fra1-a")).json<{ version: string }>(
        "/api/version",
      );
      expect(version).toBe("0.11.3");
    });

    it("keep everybody's data", async () => {
      const acme = await staging.signIn("acme", "fra1-a", "chat.fleet.example");
      const globex = await staging.signIn("globex", "fra1-a");
      for (const [session, id] of [
        [acme, "acme"],
        [globex, "globex"],
      ] as const)
        expect((await session.chats()).map((chat) => chat.id)).toContain(chats[id]);
    });

    it("are all there is: the next preview is empty", () => staging.nothingIsDue(), patience);
  });

/** What is refused before anything is touched. */
export const refusals = (staging: Staging) =>
  describe("a tenant that does not fit its host", () => {
    afterAll(() =>
      staging.edit(({ tenants }) => {
        delete tenants.colossus;
      }),
    );

    it("is refused at preview, with what there is and what would help", async () => {
      await staging.edit(({ tenants }) => {
        tenants.colossus = { ...entryOf("colossus", "fra1-b"), memory: { reserved: "8GB", limit: "16GB" } };
      });
      const before = await staging.requests(0);
      const said = await staging.previewFails();
      expect(said).toMatch(/fra1-b/);
      expect(said).toMatch(/70 %/);
      expect(said).toMatch(/Nothing was changed/);
      expect(await staging.requests(0)).toEqual(before);
    });
  });
