import { run } from "./command.ts";

/** A TCP socket of this machine that accepts connections. */
export interface Listener {
  address: string;
  port: number;
}

/** Who listens on the given ports, on whatever address. */
export const listeners = async (ports: readonly number[]): Promise<Listener[]> => {
  const { stdout } = await run(["ss", "--listening", "--tcp", "--numeric", "--no-header"]);
  return stdout
    .split("\n")
    .map((line) => /^\S+\s+\S+\s+\S+\s+(\S+):(\d+)\s/.exec(line))
    .filter((match) => match !== null)
    .map(([, address = "", port]) => ({ address, port: Number(port) }))
    .filter(({ port }) => ports.includes(port));
};
