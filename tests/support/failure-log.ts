/** Vitest's setup of files that run agents and nodes: a test that fails is printed with what those logged last. */
import { afterEach } from "vitest";
import { lastWords } from "./process-logs.ts";

afterEach(({ task }) => {
  const words = task.result?.state === "fail" ? lastWords() : "";
  if (words) console.log(`${task.name}\n${words}`);
});
