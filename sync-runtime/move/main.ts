/**
 * One end of a move: `move.mjs have | send | receive | receive-still TREE LEDGER`. Run by components/host/tenant-move.sh in a
 * container that sees nothing else; README.md says how the ends meet.
 */
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { text } from "node:stream/consumers";
import * as z from "zod";
import { TreeError } from "../host/tree-error.ts";
import { have, haveText, readHave } from "./have.ts";
import { MoveError } from "./move-error.ts";
import { receive } from "./receive.ts";
import { send } from "./send.ts";

const Words = z.tuple([z.enum(["have", "send", "receive", "receive-still"]), z.string(), z.string()]);

async function write(bytes: Buffer | string): Promise<void> {
  if (!process.stdout.write(bytes)) await once(process.stdout, "drain");
}

if (import.meta.main) {
  process.umask(0o027);
  try {
    const [verb, tree, ledger] = Words.parse(process.argv.slice(2));
    if (verb === "have") {
      await mkdir(tree, { recursive: true });
      await write(haveText(await have(tree, ledger)));
    } else if (verb === "send") {
      const there = readHave(await text(process.stdin));
      if (!there) throw new MoveError("stream-damaged", "What the target has was not to be found out.");
      await send({ tree, ledger, there }, write);
    } else {
      const received = await receive({ tree, ledger, still: verb === "receive-still" }, process.stdin);
      await write(`${JSON.stringify(received)}\n`);
    }
  } catch (error) {
    console.error(error instanceof MoveError || error instanceof TreeError ? error.message : error);
    process.exitCode = 1;
  }
}
