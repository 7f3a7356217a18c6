import { spawn } from "node:child_process";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Fleet } from "../../components/fleet-config.ts";
import { sshOptions } from "../../components/machine/ssh.ts";
import { freePort } from "../setup/free-port.ts";
import type { FleetOutputs } from "./fleet-outputs.ts";

/** How long the way to a control host may take; a host that is down is not waited for longer. */
const patienceMs = 15_000;

/** What listens on the control host's loopback: its addresses there. */
const farOf = ({ nodes, monitoring }: FleetOutputs): URL[] =>
  [
    ...Object.values(nodes).map(({ url }) => url),
    ...(monitoring ? [monitoring.prometheus, monitoring.alertmanager] : []),
  ].map((url) => new URL(url));

/**
 * The outputs of a stack whose control host is another machine, with ports of this one in place of those that only listen
 * over there: an ssh client forwards them until this process ends. Where it cannot, they are as good as silent.
 */
export async function throughTunnel(fleet: Fleet, outputs: FleetOutputs): Promise<FleetOutputs> {
  const target = outputs.hosts[fleet.sync.host]?.target;
  if (!target) return outputs;
  const ways = await Promise.all(
    farOf(outputs).map(async ({ port }) => ({ far: port, near: String(await freePort()) })),
  );
  await forward({ identity: fleet.operators.identity, ...target }, ways);
  const nearby = (url: string): string => {
    const address = new URL(url);
    address.port = ways.find(({ far }) => far === address.port)?.near ?? address.port;
    return address.href.replace(/\/$/, "");
  };
  const { nodes, monitoring } = outputs;
  return {
    ...outputs,
    nodes: Object.fromEntries(Object.entries(nodes).map(([id, { url }]) => [id, { url: nearby(url) }])),
    ...(monitoring && {
      monitoring: {
        ...monitoring,
        prometheus: nearby(monitoring.prometheus),
        alertmanager: nearby(monitoring.alertmanager),
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
