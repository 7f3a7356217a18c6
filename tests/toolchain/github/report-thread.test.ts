import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { GitHub } from "../../../toolchain/github/github.ts";
import { showDrift, showPreview } from "../../../toolchain/github/report-thread.ts";
import { markOf, nothingDiffers } from "../../../toolchain/preview/report-markdown.ts";

const bot = "github-actions[bot]";
const run = "https://github.example/run/1";

/** As much of GitHub as keeps comments and issues, a page of 100 at a time. */
interface Kept {
  id: number;
  number: number;
  body: string;
  user: { login: string };
  state?: string;
  title?: string;
}

let server: Server;
let github: GitHub;
let threads: Kept[];
let refusal: number | undefined;
const requests: string[] = [];

beforeEach(async () => {
  threads = [];
  refusal = undefined;
  requests.length = 0;
  server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "", "http://fake");
    requests.push(`${request.method} ${url.pathname} ${request.headers.authorization}`);
    let text = "";
    for await (const chunk of request) text += chunk;
    const sent = text ? JSON.parse(text) : {};
    const number = Number(url.pathname.split("/").at(-1));
    if (request.method === "POST") {
      const id = threads.length + 1;
      threads.push({ id, number: id, user: { login: bot }, state: "open", ...sent });
    }
    if (request.method === "PATCH") Object.assign(threads.find(({ id }) => id === number) ?? {}, sent);
    const page = Number(url.searchParams.get("page") ?? 1);
    const open = threads.filter(({ state }) => state !== "closed");
    response.statusCode = refusal ?? 200;
    response.end(JSON.stringify(open.slice((page - 1) * 100, page * 100)));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  github = new GitHub({ api: `http://127.0.0.1:${port}`, repository: "acme/fleet", token: "t0ken" });
});
afterEach(() => server.close());

const report = (about: "preview" | "drift", stack: string, text: string) => ({
  stack,
  run,
  markdown: `${markOf(about, stack)}\n\n${text}\n`,
});
const others = (count: number, body: string, login: string) =>
  Array.from({ length: count }, (_, index) => ({
    id: 1_000 + index,
    number: 1_000 + index,
    body,
    user: { login },
  }));

describe("a preview", () => {
  it("is one comment for each stack, edited in place", async () => {
    expect(await showPreview(github, 7, report("preview", "prod", "first"))).toBe("comment made");
    await showPreview(github, 7, report("preview", "staging", "other"));
    expect(await showPreview(github, 7, report("preview", "prod", "second"))).toBe("comment 1 edited");
    expect(threads.map(({ body }) => body)).toEqual([
      `<!-- preview of stack prod -->\n\nsecond\n\n[The run](${run})\n`,
      `<!-- preview of stack staging -->\n\nother\n\n[The run](${run})\n`,
    ]);
    expect(requests.every((request) => request.endsWith(" Bearer t0ken"))).toBe(true);
    expect(requests[0]).toMatch(/^GET \/repos\/acme\/fleet\/issues\/7\/comments /);
  });

  it("is found behind a hundred others", async () => {
    threads.push(...others(250, "chat", "ann"));
    await showPreview(github, 7, report("preview", "prod", "first"));
    expect(await showPreview(github, 7, report("preview", "prod", "second"))).toMatch(/edited$/);
  });

  it("is not put into somebody else's comment, whatever that begins with", async () => {
    threads.push(...others(1, markOf("preview", "prod"), "mallory"));
    expect(await showPreview(github, 7, report("preview", "prod", "x"))).toBe("comment made");
  });

  it("that never came to a report says so, with the run", async () => {
    await showPreview(github, 7, { stack: "prod", run, markdown: undefined });
    expect(threads[0]?.body).toMatch(
      /^<!-- preview of stack prod -->\n\n## prod: there is no report\n[\s\S]*run\/1/,
    );
  });

  it.each([403, 404, 500])(
    "that GitHub refuses with %i ends with a remedy and without the token",
    async (status) => {
      refusal = status;
      const shown = showPreview(github, 7, report("preview", "prod", "x"));
      await expect(shown).rejects.toThrow(
        `GitHub answered ${status} to GET issues/7/comments of acme/fleet.`,
      );
      await expect(shown).rejects.toThrow(/remedy: (Let the workflow write|Run the workflow again)/);
      await expect(shown).rejects.not.toThrow("t0ken");
    },
  );
});

describe("a drift", () => {
  it("opens one issue, keeps it up to date, and closes it when nothing differs", async () => {
    expect(await showDrift(github, report("drift", "prod", "a"))).toBe("issue opened");
    expect(await showDrift(github, report("drift", "prod", "b"))).toBe("issue 1 edited");
    expect(threads).toMatchObject([{ title: "Drift in stack prod", state: "open" }]);
    expect(await showDrift(github, report("drift", "prod", nothingDiffers))).toBe("issue 1 closed");
    expect(threads).toMatchObject([{ state: "closed" }]);
    expect(await showDrift(github, report("drift", "prod", nothingDiffers))).toBe(
      "nothing differs, and no issue says so",
    );
    expect(await showDrift(github, report("drift", "prod", "again"))).toBe("issue opened");
  });

  it("that could not be found out is told as well", async () => {
    expect(await showDrift(github, { stack: "prod", run, markdown: undefined })).toBe("issue opened");
  });
});
