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
import { RealTenants } from "./real-tenants.ts";

/** What is asked of nginx while everything else goes on. */
const probes = 400;

const domainOf = (site: number): string => `t${site}.example`;

/** nginx with the fleet's configuration, what is behind it, and whom clients believe. */
interface Edge {
  front: RunningFront;
  /** Of each site's application. */
  ports: number[];
  /** How many of these, the first, are Open WebUI itself; the others are stubs. */
  real: number;
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
  const head = [
    `GET /ws/socket.io/?EIO=4&transport=websocket HTTP/1.1`,
    `Host: ${domainOf(site)}`,
    "Upgrade: websocket",
  ];
  const more = ["Connection: Upgrade", `Sec-WebSocket-Key: ${key}`, "Sec-WebSocket-Version: 13"];
  socket.write(`${[...head, ...more].join("\r\n")}\r\n\r\n`);
  const [answer] = await once(socket, "data");
  if (!String(answer).startsWith("HTTP/1.1 101"))
    throw new Error(`no upgrade: ${String(answer).slice(0, 80)}`);
  // Open WebUI asks now and then whether anybody is there: a text frame that says 2, to which 3 is the answer.
  socket.on("data", (chunk: Buffer) => {
    if (chunk.equals(Buffer.from([0x81, 1, 0x32]))) socket.write(Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x33]));
  });
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

/** Milliseconds of each request, by what was asked and on which way. */
type Times = Record<"stub" | "real", Record<"through" | "direct", number[]>>;

/** What nginx and TLS add to the application's own time. */
function added(name: string, times: Times["stub"], at: number): Result {
  const [through, direct] = [percentile(times.through, at), percentile(times.direct, at)];
  const detail = `${through.toFixed(2)} ms over TLS through nginx, ${direct.toFixed(2)} ms at its own port, of ${times.through.length} each`;
  return resultOf({ ...{ name, unit: " ms", target: 5 }, detail }, [through - direct]);
}

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
  const stubs = sites - edge.real;
  const running = Array.from({ length: streams }, (_, index) =>
    streamed(edge, edge.real + (index % stubs), 400),
  );
  const agents = { plain: new PlainAgent({ keepAlive: true }), tls: new Agent({ keepAlive: true }) };
  const times = { stub: { through: [], direct: [] }, real: { through: [], direct: [] } } as Times;
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
    // Every fourth goes to Open WebUI itself.
    const real = edge.real > 0 && probe % 4 === 0;
    const site = real ? (probe / 4) % edge.real : edge.real + (probe % stubs);
    for (const way of ["through", "direct"] as const)
      await timed(edge, site, agents, way === "through").then(
        (time) => times[real ? "real" : "stub"][way].push(time),
        () => failed++,
      );
    await pause(10);
  }
  failed += (await Promise.all(running)).filter((whole) => !whole).length;
  const stopped = lost;
  for (const socket of open) socket.destroy();
  agents.plain.destroy();
  agents.tls.destroy();
  return [
    ...(edge.real > 0 ? [added("added latency to Open WebUI, median", times.real, 0.5)] : []),
    added("added latency to stubs, p99", times.stub, 0.99),
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

/** nginx as the fleet configures it, under load, with stubs for most tenants. */
export const edge: Benchmark = {
  about: "nginx over TLS with many sites, idle WebSockets and streaming answers, a reload amid them",
  options: {
    sites: { default: "50", about: "tenants" },
    real: { default: "2", about: "of them Open WebUI itself; the others are stubs" },
    sockets: { default: "2000", about: "idle WebSockets" },
    streams: { default: "200", about: "streaming answers of 20 s" },
  },
  run: async (progress, { sites = "", real = "", sockets = "", streams = "" }) => {
    const program = new URL("application.ts", import.meta.url).pathname;
    await using tenants = await RealTenants.start(Number(real), progress);
    const stubs = spawn(process.execPath, [program, String(Number(sites) - Number(real))], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    await using front = await RunningFront.prepared();
    try {
      const [line] = await once(createInterface(stubs.stdout), "line");
      const ports = [...tenants.ports, ...(JSON.parse(line) as number[])];
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
      const edge = { front, ports, real: tenants.ports.length, ca: authority.certificate };
      return await measure(edge, { sockets: Number(sockets), streams: Number(streams) }, progress);
    } finally {
      stubs.stdin.end();
    }
  },
};
