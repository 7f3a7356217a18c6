import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cloudflare } from "../../../toolchain/fakes/cloudflare/cloudflare.ts";
import type { CloudApi } from "../../../toolchain/setup/cloud-api.ts";
import {
  recordsBegunIn,
  recordsMadeBy,
  removeBegunRecords,
} from "../../../toolchain/setup/interrupted-names.ts";
import type { Checkpoint } from "../../../toolchain/setup/stack-state.ts";
import { type Client, clientOf, token } from "../fakes/client.ts";

const type = "cloudflare:index/dnsRecord:DnsRecord";
const comment = "open-webui-infrastructure: staging/acme";
const stateOf = (inputs: Record<string, unknown>, ids: readonly string[] = []): Checkpoint => ({
  checkpoint: {
    latest: {
      pending_operations: [{ type: "creating", resource: { urn: "urn:record", type, custom: true, inputs } }],
      resources: ids.map((id) => ({ urn: `urn:${id}`, type, custom: true, id })),
    },
  },
});

describe("a record that a killed run had begun to make", () => {
  const inputs = { zoneId: "z", type: "A", name: "acme.fleet.example", comment };
  const begun = { zone: "z", type: "A", name: "acme.fleet.example", comment };
  const began = Date.parse("2026-03-01T10:00:00.700Z");
  const record = {
    ...{ id: "r", name: "acme.fleet.example", type: "A", comment },
    created_on: "2026-03-01T10:00:00Z",
  };

  it("is read from the state", () => {
    expect(recordsBegunIn(stateOf(inputs))).toEqual([begun]);
    expect(recordsBegunIn(undefined)).toEqual([]);
  });

  it.each([
    ["as it was to be, and no older than the run", record, true],
    ["of another name", { ...record, name: "globex.fleet.example" }, false],
    ["of another type", { ...record, type: "TXT" }, false],
    ["of another stack", { ...record, comment: "open-webui-infrastructure: prod/acme" }, false],
    ["that somebody wrote by hand", { ...record, comment: null }, false],
    ["that was there before", { ...record, created_on: "2026-03-01T09:59:59Z" }, false],
    ["that the state knows", { ...record, id: "known" }, false],
  ])("is one %s, if at all", (_, seen, own) => {
    expect(recordsMadeBy(begun, [seen], new Set(["known"]), began)).toEqual(own ? [seen] : []);
  });

  describe("in a zone", () => {
    let opened: ReturnType<typeof cloudflare>;
    let api: CloudApi;
    let ask: Client;
    let records: string;
    beforeEach(async () => {
      opened = cloudflare({ token }, { zones: ["fleet.example"] });
      api = { name: "Cloudflare", endpoint: `${await opened.fake.listen()}/client/v4`, token };
      ask = clientOf(api.endpoint);
      const { body } = await ask("GET", "/zones?name=fleet.example");
      records = `/zones/${body.result[0].id}/dns_records`;
    });
    afterEach(() => opened.fake.close());

    const make = async (name: string, content: string, of: string): Promise<string> => {
      const record = { type: "A", name, content, ttl: 300, proxied: false, comment: of };
      return (await ask("POST", records, record)).body.result.id;
    };

    it("is removed, past answers that say to wait, and every other stays", async () => {
      const name = "acme.fleet.example";
      const kept = [
        await make(name, "203.0.113.1", "by hand"),
        await make("globex.fleet.example", "203.0.113.2", comment),
        await make(name, "203.0.113.3", comment),
      ];
      await make(name, "203.0.113.4", comment);
      for (const method of ["GET", "DELETE"] as const)
        opened.faults.add({ method, path: "dns_records", answer: "unavailable" });
      const zoneId = records.split("/")[2];
      const state = stateOf({ zoneId, type: "A", name, comment }, [kept[2] ?? ""]);
      expect(await removeBegunRecords(state, api, { at: Date.now() - 60_000 }, () => {})).toEqual([
        `record of ${name}`,
      ]);
      const { body } = await ask("GET", records);
      expect(body.result.map(({ id }: { id: string }) => id).sort()).toEqual(kept.sort());
    });
  });
});
