import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { holders, listening } from "../../../toolchain/setup/port-holder.mjs";

const header =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
const row = (address: string, state: string, inode: number) =>
  `   0: ${address} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0`;

describe("the kernel's table of sockets", () => {
  it.each([
    ["any address", "00000000:1F90"],
    ["the loopback address", "0100007F:1F90"],
    ["another loopback address", "0A00007F:1F90"],
    ["any address of both kinds", "00000000000000000000000000000000:1F90"],
    ["the loopback address of IPv6", "00000000000000000000000001000000:1F90"],
  ])("shows that somebody listens on 8080 at %s", (_, address) => {
    expect(listening([header, row(address, "0A", 77)].join("\n"))).toEqual(new Map([[8080, "77"]]));
  });

  it("leaves out connections, and listeners at an address of their own", () => {
    const table = [header, row("0100007F:1F90", "01", 1), row("0101A8C0:1F90", "0A", 2), ""].join("\n");
    expect(listening(table)).toEqual(new Map());
  });
});

describe("a port that this process listens on", () => {
  it("is found with the process's name and number", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((ready) => server.once("listening", ready));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const held = await holders();
    server.close();
    expect(held.get(address.port)).toMatch(new RegExp(`\\(process ${process.pid}\\)$`));
  });
});
