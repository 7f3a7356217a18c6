import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { Application } from "../../../fleet/open-webui/application.ts";

/** Something that stands where a tenant's application does, and is not Open WebUI: a tenant may run what it likes there. */
async function standing(listener: RequestListener): Promise<URL> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await new Promise((listening) => server.once("listening", listening));
  onTestFinished(() => void server.close());
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

const signIn = (at: URL) => Application.signIn(at, "admin@acme.example", "the password");

describe("an application that is not what it should be", () => {
  it.each<[string, RequestListener, RegExp]>([
    ["answers with a page", (_, answer) => answer.end("<html>"), /answered with 200, and .*JSON/],
    ["answers with something else", (_, answer) => answer.end('{"token": 5}'), /token/],
    [
      "refuses",
      (_, answer) => answer.writeHead(400).end('{"detail": "Wrong password"}'),
      /signin: Wrong password/,
    ],
    ["hangs up", (asked) => asked.socket.destroy(), /does not answer/],
    ["never ends", (_, answer) => void answer.end(Buffer.alloc(17 << 20, "x")), /longer than 16777216 bytes/],
  ])("and %s is told, without the password", async (_, listener, message) => {
    const failed = signIn(await standing(listener));
    await expect(failed).rejects.toThrow(message);
    await expect(failed).rejects.not.toThrow(/the password/);
  });

  it("cannot keep the list of users going for ever by saying that there are more", async () => {
    let pages = 0;
    const at = await standing((asked, answer) => {
      if (asked.url?.includes("signin")) return answer.end('{"token": "t", "id": "a"}');
      pages += 1;
      const user = { id: "a", email: "a", name: "a", role: "admin", created_at: 1 };
      answer.end(JSON.stringify({ users: [user], total: 1e9 }));
    });
    expect(await (await signIn(at)).users()).toHaveLength(1);
    expect(pages).toBe(2);
  });
});
