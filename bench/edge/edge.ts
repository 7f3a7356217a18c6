import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { Agent as PlainAgent, request as plainRequest } from "node:http";
import { Agent, request } from "node:https";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { certificateFile, siteConfig, siteFile } from "../../components/host/site.ts";
import { TestAuthority } from "../../tests/support/certificates.ts";
import { RunningFront } from "../../tests/support/edge/front.ts";
import { type Benchmark, percentile, type Result, resultOf } from "../result.ts";
import { RealTenants } from "./real-tenants.ts";
import type { Crowd, CrowdEnded } from "./visitors.ts";

/** What is asked of nginx while everything else goes on: enough that ten of them are beyond the 99th hundredth. */
const probes = 1_360;

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

/** Connections that are kept, and how often a request was sent anew because its connection had just been closed. */
interface Asker {
  plain: PlainAgent;
  tls: Agent;
  again: number;
}

/** Milliseconds until an answer is whole. */
const timed = (edge: Edge, site: number, asker: Asker, through: boolean): Promise<number> =>
  new Promise((resolve, reject) => {
    const started = performance.now();
    const common = { host: "127.0.0.1", path: "/health", headers: { Host: domainOf(site) } };
    const { https } = edge.front.front;
    const asked = through
      ? request({ ...common, port: https.port, servername: domainOf(site), ca: edge.ca, agent: asker.tls })
      : plainRequest({ ...common, port: edge.ports[site], agent: asker.plain });
    asked.once("error", (error: NodeJS.ErrnoException) => {
      // A server may close a kept connection at any time; whoever asks on it just then asks again, as browsers do.
      if (!asked.reusedSocket || error.code !== "ECONNRESET") return reject(error);
      asker.again++;
      timed(edge, site, asker, through).then(resolve, reject);
    });
    asked.once("response", (answer) => {
      answer.resume().once("end", () => resolve(performance.now() - started));
      if (answer.statusCode !== 200) reject(new Error(`answered ${answer.statusCode}`));
    });
    asked.end();
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
  const visitors = fork(new URL("visitors.ts", import.meta.url).pathname);
  const { https } = edge.front.front;
  const domains = edge.ports.map((_, site) => domainOf(site));
  visitors.send({
    port: https.port,
    ca: edge.ca,
    domains,
    real: edge.real,
    sockets,
    streams,
  } satisfies Crowd);
  await once(visitors, "message");
  const stubs = sites - edge.real;
  const asker: Asker = {
    plain: new PlainAgent({ keepAlive: true }),
    tls: new Agent({ keepAlive: true }),
    again: 0,
  };
  const times = { stub: { through: [], direct: [] }, real: { through: [], direct: [] } } as Times;
  const failures: string[] = [];
  const fail = (error: Error) => failures.push(error.message);
  // A site's first request, and its first behind a reload, shakes hands; that is no part of the latency.
  const warm = async () => {
    for (let site = 0; site < sites; site++)
      for (const through of [true, false]) await timed(edge, site, asker, through).catch(fail);
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
      await timed(edge, site, asker, way === "through").then((time) => {
        times[real ? "real" : "stub"][way].push(time);
      }, fail);
    await pause(10);
  }
  visitors.send("end");
  const [{ lost, broken }] = (await once(visitors, "message")) as [CrowdEnded];
  asker.plain.destroy();
  asker.tls.destroy();
  const requests = 2 * probes + 4 * sites;
  const detail = `of ${requests} requests and ${streams} streaming answers, over a reload; ${asker.again} asked again on a connection just closed`;
  return [
    ...(edge.real > 0 ? [added("added latency to Open WebUI, median", times.real, 0.5)] : []),
    added("added latency to stubs, p99", times.stub, 0.99),
    resultOf(
      {
        ...{ name: "failed requests", unit: "", target: 0 },
        detail: [detail, ...new Set(failures)].join("; "),
      },
      [failures.length + broken],
    ),
    resultOf({ name: "lost WebSockets", unit: "", target: 0, detail: `of ${sockets}, over a reload` }, [
      lost,
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
    streams: { default: "200", about: "streaming answers, each as long as it asks" },
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
