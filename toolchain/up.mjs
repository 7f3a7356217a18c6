#!/usr/bin/env node
/**
 * The door of the commands that set up and change: `npm run up`, `npm test` and their like come here.
 *
 * It is what can run before anything is installed: plain JavaScript for Node 20. It checks that the machine will do,
 * installs the dependencies where they are missing, and hands over to commands/main.ts on the Node 24 that comes
 * with them.
 */
import { handOver } from "./setup/door.mjs";

/** Commands that set the machine up before they do their own work: it is checked before anything is installed. */
const settingUp = ["up", "test", "preview", "drift"];

const argv = process.argv.slice(2);
await handOver("toolchain/commands/main.ts", argv, settingUp.includes(argv[0] ?? ""));
