import { spawn } from "node:child_process";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cloudflare } from "../../../../toolchain/fakes/cloudflare/cloudflare.ts";
import { answer } from "../../../../toolchain/fakes/cloudflare/names/answer.ts";
import { clientOf, token } from "../client.ts";

/** The server as its container runs it, beside an account whose API is gone once records are set. */
describe("the name server of a fake account", () => {
  const folder = mkdtempSync(join(tmpdir(), "names-"));
  const stateFile = join(folder, "cloudflare.json");
  const program = "toolchain/fakes/cloudflare/names/main.ts";
  const server = spawn(process.execPath, [program, stateFile, "198.18.127.1", "0"]);
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });

  beforeAll(async () => {
    const [line] = await once(server.stdout, "data");
    resolver.setServers([`127.0.0.1:${/\d+/.exec(String(line))}`]);
    const { fake, cloud } = cloudflare({ token }, { zones: ["fleet.example"], stateFile });
    const api = clientOf(`${await fake.listen()}/client/v4`);
    for (const record of [
      { name: "acme", type: "A", content: "198.18.8.1" },
      { name: "initech", type: "A", content: "198.18.8.2", proxied: true },
      { name: "www", type: "CNAME", content: "acme.fleet.example" },
      { name: "_acme-challenge.acme", type: "TXT", content: "a".repeat(300), ttl: 120 },
      { name: "six", type: "AAAA", content: "2001:db8::1" },
      { name: "deep.below", type: "A", content: "198.18.8.3" },
    ]) {
      const { status } = await api("POST", `/zones/${cloud.account.zones[0]?.id}/dns_records`, {
        ...{ ttl: 300, ...record },
      });
      expect(status).toBe(200);
    }
    await fake.close();
  });
  afterAll(() => {
    server.kill();
    rmSync(folder, { recursive: true });
  });

  test("says where a name leads, in whatever letters it is asked", async () => {
    expect(await resolver.resolve4("ACME.fleet.example", { ttl: true })).toEqual([
      { address: "198.18.8.1", ttl: 300 },
    ]);
    expect(await resolver.resolve6("six.fleet.example")).toEqual(["2001:db8::1"]);
    expect(await resolver.resolveCname("www.fleet.example")).toEqual(["acme.fleet.example"]);
    expect((await resolver.resolveTxt("_acme-challenge.acme.fleet.example"))[0]?.join("")).toBe(
      "a".repeat(300),
    );
    expect(await resolver.resolveSoa("fleet.example")).toMatchObject({ nsname: "ada.ns.fake.invalid" });
  });

  test("leads to the proxy where a name is proxied", async () => {
    expect(await resolver.resolve4("initech.fleet.example")).toEqual(["198.18.127.1"]);
  });

  test("tells a name that is not there from one that has nothing, and from another's", async () => {
    const code = (asked: Promise<unknown>) => asked.catch((error: NodeJS.ErrnoException) => error.code);
    expect(await code(resolver.resolve4("nobody.fleet.example"))).toBe("ENOTFOUND");
    expect(await code(resolver.resolve6("acme.fleet.example"))).toBe("ENODATA");
    expect(await code(resolver.resolve4("below.fleet.example"))).toBe("ENODATA");
    expect(await code(resolver.resolve4("acme.example"))).toBe("EREFUSED");
    expect(await code(resolver.resolve4("acmefleet.example"))).toBe("EREFUSED");
  });
});

test("a message that is no question gets no answer, and one that is broken is told so", () => {
  expect(answer(Buffer.alloc(3), [], "")).toBeUndefined();
  const reply = Buffer.alloc(12);
  reply.writeUInt8(0x80, 2);
  expect(answer(reply, [], "")).toBeUndefined();
  const cut = Buffer.concat([Buffer.from("abcd01000001000000000000", "hex"), Buffer.from([9, 97])]);
  expect(answer(cut, [], "")?.toString("hex")).toBe("abcd85010000000000000000");
});
