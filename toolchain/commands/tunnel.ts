import { spawn } from "node:child_process";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Fleet } from "../../components/fleet-config.ts";
import { sshOptions } from "../../components/machine/ssh.ts";
import { freePort } from "../setup/free-port.ts";
import type { FleetOutputs } from "./fleet-outputs.ts";

/** How long the way to a control host may take; a host that is down is not waited for longer. */
const patienceMs = 15_000;

/** A port of a control host's loopback, and the one of this machine that leads to it. */
interface Way {
  host: string;
  far: string;
  near: string;
}

/** What listens on control hosts' loopback: by host, its addresses there. */
const farOf = ({ sync }: Pick<Fleet, "sync">, { nodes, monitoring }: FleetOutputs): [host: string, URL][] => [
  ...Object.values(nodes).map(({ url, host = sync.host }): [string, URL] => [host, new URL(url)]),
  ...(monitoring ? [monitoring.prometheus, monitoring.alertmanager] : []).map((url): [string, URL] => [
    sync.host,
    new URL(url),
  ]),
];

/**
 * The outputs of a stack whose control hosts are other machines, with ports of this one in place of those that only listen
 * over there: ssh clients forward them until this process ends. What is on a host that does not answer is as good as silent.
 */
export async function throughTunnel(fleet: Fleet, outputs: FleetOutputs): Promise<FleetOutputs> {
  const ways = await Promise.all(
    farOf(fleet, outputs)
      .filter(([host]) => outputs.hosts[host]?.target)
      .map(async ([host, { port }]): Promise<Way> => ({ host, far: port, near: String(await freePort()) })),
  );
  await Promise.all(
    [...new Set(ways.map(({ host }) => host))].map(async (host) => {
      const target = outputs.hosts[host]?.target;
      const own = ways.filter((way) => way.host === host);
      if (target) await forward({ identity: fleet.operators.identity, ...target }, own);
    }),
  );
  return nearby(fleet, outputs, ways);
}

/** The outputs with the near ends of these ways in place of their far ones; what has none stays as it is. */
export function nearby(
  { sync }: Pick<Fleet, "sync">,
  outputs: FleetOutputs,
  ways: readonly Way[],
): FleetOutputs {
  const near = (host: string, url: string): string => {
    const address = new URL(url);
    address.port = ways.find((way) => way.host === host && way.far === address.port)?.near ?? address.port;
    return address.href.replace(/\/$/, "");
  };
  const { nodes, monitoring } = outputs;
  return {
    ...outputs,
    nodes: Object.fromEntries(
      Object.entries(nodes).map(([id, { url, host = sync.host }]) => [id, { url: near(host, url), host }]),
    ),
    ...(monitoring && {
      monitoring: {
        ...monitoring,
        prometheus: near(sync.host, monitoring.prometheus),
        alertmanager: near(sync.host, monitoring.alertmanager),
      },
    }),
  };
}

type Target = Parameters<typeof sshOptions>[0] & { user: string };

/** Starts the client, and waits until its first port takes connections or it has given up. */
export async function forward(target: Target, ways: readonly { far: string; near: string }[]): Promise<void> {
  const forwards = ways.flatMap(({ far, near }) => ["-L", `127.0.0.1:${near}:127.0.0.1:${far}`]);
  const options = [...sshOptions(target), "-o", "ExitOnForwardFailure=yes", "-N", ...forwards];
  const client = spawn("ssh", [...options, `${target.user}@${target.address}`], { stdio: "ignore" });
  client.unref();
  process.once("exit", () => client.kill());
  let ended = false;
  client.once("error", () => {
    ended = true;
  });
  client.once("exit", () => {
    ended = true;
  });
  const deadline = performance.now() + patienceMs;
  while (!ended && performance.now() < deadline && !(await takes(Number(ways[0]?.near)))) await sleep(50);
}

const takes = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
