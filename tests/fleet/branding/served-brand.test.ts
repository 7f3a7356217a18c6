import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { brandFiles, brandTargets } from "../../../components/branding/brand-file.ts";
import { servedBrand } from "../../../fleet/branding/served-brand.ts";
import { servedText } from "../../../fleet/commands/branding.ts";

let server: Server;
let answer: RequestListener;
beforeAll(async () => {
  server = createServer((request, response) => answer(request, response)).listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => server.close());

const brand = new Map(brandFiles.map((file) => [file, Buffer.from(`${file} of acme`)]));
const served = () =>
  servedBrand(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), brand);
const nameOf = (path = "") => path.split("/").at(-1) ?? "";

test("every file that a brand replaces is asked for where browsers ask, and compared", async () => {
  answer = ({ url }, response) => response.end(brand.get(nameOf(url)));
  const files = await served();
  expect(files).toHaveLength(brandTargets.length);
  expect(files.map(({ path }) => path)).toEqual(expect.arrayContaining(["/static/logo.png", "/favicon.png"]));
  expect(servedText("acme", files)).toBe(`All ${files.length} files that acme serves are its brand's.`);
});

test("one that is another, one that is missing, and one that never ends are told each", async () => {
  answer = ({ url }, response) => {
    if (url === "/static/logo.png") response.end("upstream's");
    else if (url === "/static/splash.png") response.writeHead(404).end();
    else if (url === "/favicon.png") {
      const more = () => response.write(Buffer.alloc(2 ** 20), more);
      more();
    } else response.end(brand.get(nameOf(url)));
  };
  const wrong = (await served()).filter(({ is }) => is !== "right");
  expect(wrong.map(({ path, is }) => [path, is])).toEqual([
    ["/static/logo.png", "other"],
    ["/static/splash.png", "missing"],
    ["/favicon.png", "missing"],
  ]);
  expect(servedText("acme", wrong)).toContain("answered with status 404");
});
