import { once } from "node:events";
import type { RequestListener } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { largestLogo } from "../../../components/branding/logo.ts";
import { fetchLogo, isPublic } from "../../../fleet/branding/fetch-logo.ts";
import { TestAuthority } from "../../support/certificates.ts";

let server: Server;
let ca: string;
let origin: string;
let answer: RequestListener;
let asked: string[] = [];

beforeAll(async () => {
  const authority = await TestAuthority.create();
  ca = authority.certificate;
  const { certificate: cert, key } = await authority.site("localhost");
  server = createServer({ cert, key }, (request, response) => {
    asked.push(request.url ?? "");
    answer(request, response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  origin = `https://localhost:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

/** Fetched from the suite's own server, which stands for a public one. */
const fetched = (path: string, more = {}) =>
  fetchLogo(`${origin}${path}`, {
    ca,
    reachable: (address) => /^(127\.0\.0\.1|::1)$/.test(address),
    ...more,
  });

describe("a logo is fetched", () => {
  test("whole, through a redirect", async () => {
    answer = ({ url }, response) =>
      url === "/logo.svg"
        ? response.end("<svg/>")
        : response.writeHead(302, { location: "/logo.svg" }).end("elsewhere");
    expect((await fetched("/")).toString()).toBe("<svg/>");
  });

  test("up to the size that a logo may have, whatever its head says", async () => {
    answer = (_, response) => response.writeHead(200).end(Buffer.alloc(largestLogo + 1));
    await expect(fetched("/")).rejects.toThrow("larger than the 5 MB");
    answer = (_, response) => response.writeHead(200).end(Buffer.alloc(largestLogo));
    expect(await fetched("/")).toHaveLength(largestLogo);
  });

  test("in a time that has an end, though a little comes again and again", async () => {
    answer = (_, response) => {
      const dripping = setInterval(() => response.write("x"), 20);
      response.once("close", () => clearInterval(dripping));
    };
    await expect(fetched("/", { patience: 300 })).rejects.toThrow("was not fetched");
  });

  test("not from what redirects for ever, says that it has none, or breaks off", async () => {
    answer = (_, response) => response.writeHead(302, { location: "/again" }).end();
    await expect(fetched("/")).rejects.toThrow("redirects more than 3 times");
    answer = (_, response) => response.writeHead(404).end();
    await expect(fetched("/")).rejects.toThrow("answered with status 404");
    answer = (_, response) => {
      response.writeHead(200, { "content-length": 100 }).write("some");
      setTimeout(() => response.destroy(), 20);
    };
    await expect(fetched("/")).rejects.toThrow("was not fetched");
  });

  test("not from a server whose certificate nobody believes", async () => {
    asked = [];
    await expect(fetched("/", { ca: undefined })).rejects.toThrow("was not fetched");
    expect(asked).toEqual([]);
  });
});

describe("nobody is asked who only this machine or its network reaches", () => {
  const port = () => new URL(origin).port;

  test("by name", async () => {
    asked = [];
    await expect(fetchLogo(`${origin}/`, { ca })).rejects.toThrow(
      /localhost is (127\.0\.0\.1|::1), which is not/,
    );
    expect(asked).toEqual([]);
  });

  test("by number, in whatever way it is written", async () => {
    asked = [];
    const hosts = [
      "127.0.0.1",
      "127.1",
      "0x7f000001",
      "2130706433",
      "0177.0.0.1",
      "[::1]",
      "[::ffff:127.0.0.1]",
    ];
    for (const host of hosts)
      await expect(fetchLogo(`https://${host}:${port()}/`, { ca }), host).rejects.toThrow(
        "is not a public address",
      );
    expect(asked).toEqual([]);
  });

  test("by a redirect", async () => {
    asked = [];
    answer = (_, response) =>
      response.writeHead(302, { location: `https://127.0.0.1:${port()}/secret` }).end();
    const onlyOnce = () => asked.length === 0;
    await expect(fetched("/", { reachable: onlyOnce })).rejects.toThrow("127.0.0.1 is not a public address");
    expect(asked).toEqual(["/"]);
  });

  test("nor over anything but https, or with a password", async () => {
    for (const address of [
      "http://example.com/a.svg",
      "file:///etc/passwd",
      "a.svg",
      "https://me:secret@example.com/",
    ])
      await expect(fetchLogo(address), address).rejects.toThrow("was not fetched");
    await expect(fetchLogo("https://me:secret@example.com/")).rejects.not.toThrow("secret");
  });

  test.each([
    ["127.0.0.1", false],
    ["10.1.2.3", false],
    ["172.20.0.1", false],
    ["192.168.1.1", false],
    ["169.254.169.254", false],
    ["100.64.0.1", false],
    ["198.18.0.1", false],
    ["0.0.0.0", false],
    ["224.0.0.1", false],
    ["::1", false],
    ["fd00::1", false],
    ["fe80::1", false],
    ["::ffff:10.0.0.1", false],
    ["64:ff9b::a00:1", false],
    ["2002:a00:1::", false],
    ["not one", false],
    ["93.184.216.34", true],
    ["2606:2800:220:1:248:1893:25c8:1946", true],
  ])("%s is public: %s", (address, expected) => {
    expect(isPublic(address)).toBe(expected);
  });
});
