import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream";
import { SshEndedError, SshStream } from "./ssh-stream.ts";

/** A socket of this machine behind which an engine of another one answers, for a docker client that takes no ssh options. */
export interface Door {
  /** As DOCKER_HOST would say it. */
  host: string;
  /** What the last connection that broke off said; undefined if none did. */
  failure: () => string | undefined;
  close: () => Promise<void>;
}

/** Opens a door that only this user can go through. Every connection to it is an ssh connection of its own. */
export const openDoor = async (host: string, sshOpts: readonly string[]): Promise<Door> => {
  const folder = await mkdtemp(join(tmpdir(), "owui-docker-"));
  const path = join(folder, "engine.sock");
  const open = new Set<SshStream>();
  let failure: string | undefined;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const far = new SshStream(host, sshOpts);
    open.add(far);
    far.once("error", (error) => {
      if (error instanceof SshEndedError) failure = error.message;
    });
    far.once("close", () => open.delete(far));
    pipeline(socket, far, socket, () => {});
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(path, resolve);
  });
  return {
    host: `unix://${path}`,
    failure: () => failure,
    close: async () => {
      for (const far of open) far.destroy();
      await new Promise((closed) => server.close(closed));
      await rm(folder, { recursive: true, force: true });
    },
  };
};
