/**
 * A name server for the fake Cloudflare's zones: `node main.ts <state file> <the proxy's address> [port]`, over UDP. It
 * reads the file for each question, so that it says what the account says whether or not the API runs.
 */
import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import type { Account } from "../model.ts";
import { answer } from "./answer.ts";

const [file = "", edge = "", port = "53"] = process.argv.slice(2);

/** Before the first record there is no file, and no zone. */
const zones = (): Account["zones"] => {
  try {
    return (JSON.parse(readFileSync(file, "utf8")) as Account).zones;
  } catch {
    return [];
  }
};

const server = createSocket("udp4");
server.on("message", (message, { address, port }) => {
  const said = answer(message, zones(), edge);
  if (said) server.send(said, port, address);
});
server.bind(Number(port), () => console.log(`answers on port ${server.address().port}`));

for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => process.exit(0));
