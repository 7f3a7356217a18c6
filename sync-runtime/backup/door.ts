import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createConnection, createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { Drill } from "../protocol/backup-status.ts";
import type { BackupService } from "./service.ts";
import { Kept } from "./status-file.ts";

/** What the running program is asked, as one line of JSON. */
const Request = z.discriminatedUnion("do", [
  z.strictObject({ do: z.literal("run"), tenant: z.string() }),
  z.strictObject({ do: z.literal("drilled"), tenant: z.string(), drill: Drill }),
]);
export type Request = z.infer<typeof Request>;

/** How it answers. */
const Answer = z.union([z.object({ kept: Kept }), z.object({ refused: z.string() })]);

/** Serves who asks inside the container: only root is there. Until the signal aborts. */
export async function serveDoor(path: string, service: BackupService, signal: AbortSignal): Promise<void> {
  await rm(path, { force: true });
  const server = createServer((socket) => {
    socket.on("error", () => {});
    void answer(socket, service);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  server.close();
}

async function answer(socket: Socket, service: BackupService): Promise<void> {
  for await (const line of createInterface(socket)) {
    let said: z.infer<typeof Answer>;
    try {
      const request = Request.parse(JSON.parse(line));
      const kept =
        request.do === "run"
          ? await service.backUpNow(request.tenant)
          : await service.drilled(request.tenant, request.drill);
      said = { kept };
    } catch (error) {
      said = { refused: (error as Error).message };
    }
    socket.end(`${JSON.stringify(said)}\n`);
    return;
  }
}

/** How long a program that starts may take until it answers. */
const PATIENCE_MS = 20_000;

/** Asks the running program. */
export async function ask(path: string, request: Request): Promise<Kept> {
  const socket = await connected(path);
  socket.on("error", () => {});
  socket.write(`${JSON.stringify(request)}\n`);
  const line = await firstLine(socket).catch(() => undefined);
  if (line === undefined) throw new Error("The program that backs up was ended; ask it again once it runs.");
  const answer = Answer.parse(JSON.parse(line));
  if ("refused" in answer) throw new Error(answer.refused);
  return answer.kept;
}

async function connected(path: string): Promise<Socket> {
  for (const until = performance.now() + PATIENCE_MS; ; ) {
    const socket = createConnection(path);
    try {
      await once(socket, "connect");
      return socket;
    } catch (cause) {
      socket.destroy();
      if (performance.now() > until)
        throw new Error(`The program that backs up does not answer: ${(cause as Error).message}.`, { cause });
      await sleep(200);
    }
  }
}

async function firstLine(socket: Socket): Promise<string | undefined> {
  for await (const line of createInterface(socket)) return line;
  return undefined;
}
