import { expect, test } from "vitest";
import { Engine } from "../../../../toolchain/providers/docker/engine.ts";
import { dialArguments } from "../../../../toolchain/providers/docker/ssh-stream.ts";

test.each([
  ["ssh://203.0.113.7", [], "-o ConnectTimeout=30 -T -- 203.0.113.7 docker system dial-stdio"],
  [
    "ssh://qbmgr@host:2222",
    ["-i", "key"],
    "-i key -o ConnectTimeout=30 -T -l qbmgr -p 2222 -- host docker system dial-stdio",
  ],
  ["ssh://root@[2001:db8::1]", [], "-o ConnectTimeout=30 -T -l root -- 2001:db8::1 docker system dial-stdio"],
])("%s is dialled with the options first", (host, options, argv) => {
  expect(dialArguments(host, options).join(" ")).toBe(argv);
});

test.each([
  ["ssh://user:word@host", /ssh:\/\/user:…@host: it holds a password/],
  ["ssh://host/var/run/docker.sock", /it has a path/],
  ["ssh://", /it names no host/],
])("%s is refused before anything is started", (host, message) => {
  expect(() => new Engine(host)).toThrow(message);
});

test("where nobody listens, the failure is what ssh said", async () => {
  const engine = new Engine("ssh://127.0.0.1:1", ["-F", "none"]);
  await expect(engine.send("GET", "/_ping")).rejects.toThrow(
    /^ssh to ssh:\/\/127\.0\.0\.1:1 ended with status 255: .*Connection refused/,
  );
  await expect(
    engine.lend(async (host) => {
      await new Engine(host).send("GET", "/_ping");
    }),
  ).rejects.toThrow(/Connection refused/);
});

test("an abandoned request ends its connection", async () => {
  const abandon = new AbortController();
  const engine = new Engine("ssh://127.0.0.1:1", ["-F", "none", "-o", "ProxyCommand=sleep 60"]);
  const asked = engine.send("GET", "/_ping", abandon.signal);
  abandon.abort();
  await expect(asked).rejects.toThrow(/aborted/);
});
