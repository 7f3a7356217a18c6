import { expect, test } from "vitest";
import { loopback } from "../../../../toolchain/providers/rest/loopback.ts";

const of = (endpoint: string) => loopback("digitalocean", "digitalocean:apiEndpoint", endpoint);

test.each(["http://127.0.0.1:8801", "https://127.1.2.3/", "http://[::1]:80", "http://127.1"])(
  "%s is taken",
  (endpoint) => {
    expect(of(endpoint).protocol).toMatch(/^https?:$/);
  },
);

// Names can mean anything, and a user name can look like an address.
test.each([
  "https://api.digitalocean.com",
  "http://localhost:8801",
  "http://127.0.0.1.example",
  "http://127.0.0.1@203.0.113.7",
  "http://10.0.0.1",
  "http://0.0.0.0",
  "http://[::ffff:8.8.8.8]",
  "ftp://127.0.0.1",
  "127.0.0.1:8801",
  "",
])("%s is refused", (endpoint) => {
  expect(() => of(endpoint)).toThrow(/speaks only to fakes on this machine.*set digitalocean:apiEndpoint/);
});
