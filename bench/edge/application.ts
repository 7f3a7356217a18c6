import { StubApplication } from "../../tests/support/edge/application.ts";

/** A process of stubs: prints the port of each, and ends with its parent. */
const count = Number(process.argv[2]);
const applications = await Promise.all(Array.from({ length: count }, () => StubApplication.start()));
console.log(JSON.stringify(applications.map(({ port }) => port)));
process.stdin.resume().once("end", () => process.exit(0));
