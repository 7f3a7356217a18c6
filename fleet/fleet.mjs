#!/usr/bin/env node
/**
 * The door of the operator's command line: `npx fleet`, and the npm scripts that are short for its commands. Plain
 * JavaScript for Node 20; what it hands over to runs on the Node 24 that comes with the dependencies.
 */
import { handOver } from "../toolchain/setup/door.mjs";

await handOver("fleet/main.ts", process.argv.slice(2), false);
