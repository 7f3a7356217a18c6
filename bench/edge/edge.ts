import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { Agent as PlainAgent, request as plainRequest } from "node:http";
import { Agent, request } from "node:https";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { connect, type TLSSocket } from "node:tls";
import { certificateFile, siteConfig, siteFile } from "../../components/host/site.ts";
import { TestAuthority } from "../../tests/support/certificates.ts";
import { RunningFront } from "../../tests/support/edge/front.ts";
import { type Benchmark, percentile, type Result, resultOf } from "../result.ts";

/** What is asked of nginx while everything else goes on. */
const probes = 400;

const domainOf = (site: number): string => `t${site}.example`;

/** nginx with the fleet's configuration, the stubs behind it, and whom clients believe. */
interface Edge {
  front: RunningFront;
  ports: number[];
  ca: string;
}

/** Milliseconds until an answer is whole. */
const timed = (edge: Edge, site: number, agents: { plain: PlainAgent; tls: Agent }, through: boolean) =>
  new Promise<number>((resolve, reject) => {
    const started = performance.now();
    const common = { host: "127.0.0.1", path: "/health", headers: { Host: domainOf(site) } };
    const { https } = edge.front.front;
    const asked = through
      ? request({ ...common, port: https.port, servername: domainOf(site), ca: edge.ca, agent: agents.tls })
      : plainRequest({ ...common, port: edge.ports[site], agent: agents.plain });
    asked.once("error", reject);
    asked.once("response", (answer) => {
      answer.resume().once("end", () => resolve(performance.now() - started));
      if (answer.statusCode !== 200) reject(new Error(`answered ${answer.statusCode}`));
    });
    asked.end();
  });

/** An idle WebSocket to a site, open. */
async function websocket({ front, ca }: Edge, site: number): Promise<TLSSocket> {
  const socket = connect({ host: "127.0.0.1", port: front.front.https.port, servername: domainOf(site), ca });
  await once(socket, "secureConnect");
  const key = randomBytes(16).toString("base64");
  const head = [`GET /ws/socket.io/ HTTP/1.1`, `Host: ${domainOf(site)}`, "Upgrade: websocket"];
  const more = ["Connection: Upgrade", `Sec-WebSocket-Key: ${key}`, "Sec-WebSocket-Version: 13"];
  socket.write(`${[...head, ...more].join("\r\n")}\r\n\r\n`);
  const [answer] = await once(socket, "data");
  if (!String(answer).startsWith("HTTP/1.1 101"))
    throw new Error(`no upgrade: ${String(answer).slice(0, 80)}`);
  return socket;
}

/** Reads a streaming answer; whether every word came. */
const streamed = ({ front, ca }: Edge, site: number, words: number): Promise<boolean> =>
  new Promise((resolve) => {
    const options = { host: "127.0.0.1", port: front.front.https.port, servername: domainOf(site), ca };
    const headers = { Host: domainOf(site) };
    request({ ...options, path: `/api/stream?words=${words}`, headers, agent: false }, (answer) => {
      let seen = 0;
      answer.on("data", (chunk) => {
        seen += String(chunk).split("data: ").length - 1;
      });
      answer.once("end", () => resolve(seen === words)).once("error", () => resolve(false));
    })
      .once("error", () => resolve(false))
      .end();
  });

async function measure(
  edge: Edge,
  { sockets, streams }: { sockets: number; streams: number },
  progress: (text: string) => void,
): Promise<Result[]> {
  const sites = edge.ports.length;
  progress(`opening ${sockets} WebSockets and ${streams} streaming answers over ${sites} sites`);
  const open: TLSSocket[] = [];
  for (let from = 0; from < sockets; from += 50) {
    const some = Array.from({ length: Math.min(50, sockets - from) }, (_, index) => (from + index) % sites);
    open.push(...(await Promise.all(some.map((site) => websocket(edge, site)))));
  }
  let lost = 0;
  for (const socket of open) socket.once("error", () => {}).once("close", () => lost++);
  const running = Array.from({ length: streams }, (_, index) => streamed(edge, index % sites, 400));
  const agents = { plain: new PlainAgent({ keepAlive: true }), tls: new Agent({ keepAlive: true }) };
  const times = { through: [] as number[], direct: [] as number[] };
  let failed = 0;
  // A site's first request, and its first behind a reload, shakes hands; that is no part of the latency.
  const warm = async () => {
    for (let site = 0; site < sites; site++)
      for (const through of [true, false]) await timed(edge, site, agents, through).catch(() => failed++);
  };
  await warm();
  progress(`asking ${probes} times through nginx and beside it, with a reload in the middle`);
  for (let probe = 0; probe < probes; probe++) {
    if (probe === probes / 2) {
      await edge.front.reload();
      await warm();
    }
    for (const way of ["through", "direct"] as const)
      await timed(edge, probe % sites, agents, way === "through").then(
        (time) => times[way].push(time),
        () => failed++,
      );
    await pause(10);
  }
  failed += (await Promise.all(running)).filter((whole) => !whole).length;
  const stopped = lost;
  for (const socket of open) socket.destroy();
  agents.plain.destroy();
  agents.tls.destroy();
  const p99 = (way: "through" | "direct") => percentile(times[way], 0.99);
  return [
    resultOf(
      {
        ...{ name: "added latency, p99", unit: " ms", target: 5 },
        detail: `${p99("through").toFixed(2)} ms over TLS through nginx, ${p99("direct").toFixed(2)} ms at the stub's own port`,
      },
      [p99("through") - p99("direct")],
    ),
    resultOf(
      {
        ...{ name: "failed requests", unit: "", target: 0 },
        detail: `of ${2 * probes + 4 * sites} requests and ${streams} streaming answers, over a reload`,
      },
      [failed],
    ),
    resultOf({ name: "lost WebSockets", unit: "", target: 0, detail: `of ${sockets}, over a reload` }, [
      stopped,
    ]),
  ];
}

/** nginx as the fleet configures it, under load, with stubs for tenants. */
export const edge: Benchmark = {
  about: "nginx over TLS with many sites, idle WebSockets and streaming answers, a reload amid them",
  options: {
    sites: { default: "50", about: "tenants, each a stub" },
    sockets: { default: "2000", about: "idle WebSockets" },
    streams: { default: "200", about: "streaming answers of 20 s" },
  },
  run: async (progress, { sites = "", sockets = "", streams = "" }) => {
    const program = new URL("application.ts", import.meta.url).pathname;
    const stubs = spawn(process.execPath, [program, sites], { stdio: ["pipe", "pipe", "inherit"] });
    await using front = await RunningFront.prepared();
    try {
      const [line] = await once(createInterface(stubs.stdout), "line");
      const ports: number[] = JSON.parse(line);
      const authority = await TestAuthority.create();
      for (const [site, port] of ports.entries()) {
        const { certificate, key } = await authority.site(domainOf(site));
        const file = `tls/t${site}.pem`;
        front.write(file, certificateFile(certificate, key));
        const tls = { certificate: file, hsts: true };
        const config = { tenant: `t${site}`, domain: domainOf(site), port, formerDomains: [], tls };
        front.write(siteFile(`t${site}`), siteConfig(front.front, config));
      }
      await front.start();
      const edge = { front, ports, ca: authority.certificate };
      return await measure(edge, { sockets: Number(sockets), streams: Number(streams) }, progress);
    } finally {
      stubs.stdin.end();
    }
  },
};
