/**
 * A FAKE of an OpenAI-compatible model server, run as a program of its own:
 * `node model-fake.ts <address> <port>`.
 *
 * Its streamed answer stops after each piece until someone posts to /fake/next: a test that has seen one
 * piece before it asks for the next one has proven that nothing on the way holds pieces back.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { json } from "node:stream/consumers";

/** What the answer says, piece by piece; nobody should take it for a model. */
export const PIECES = ["I am ", "a fake ", "model."];
export const MODEL = "fake-model";

/** What the fake saw of a request, given out at /fake/requests. */
export interface SeenRequest {
  path: string;
  authorization: string | null;
}

const send = (response: ServerResponse, body: unknown) => {
  response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(body));
};

const choice = (delta: object, finish_reason: string | null) => ({
  id: "chatcmpl-fake",
  object: "chat.completion.chunk",
  created: 0,
  model: MODEL,
  choices: [{ index: 0, delta, finish_reason }],
});

/** The fake's whole behaviour; nothing is remembered beyond the process. */
export const createModelFake = () => {
  const seen: SeenRequest[] = [];
  const gate = new EventTarget();

  const stream = async (response: ServerResponse) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    for (const content of PIECES) {
      const asked = once(gate, "next");
      response.write(`data: ${JSON.stringify(choice({ content }, null))}\n\n`);
      await asked;
    }
    response.write(`data: ${JSON.stringify(choice({}, "stop"))}\n\n`);
    response.end("data: [DONE]\n\n");
  };

  const complete = async (request: IncomingMessage, response: ServerResponse) => {
    const { stream: streamed } = (await json(request)) as { stream?: boolean };
    if (streamed) return stream(response);
    const message = { role: "assistant", content: PIECES.join("") };
    send(response, { ...choice({}, "stop"), choices: [{ index: 0, message, finish_reason: "stop" }] });
  };

  return createServer((request, response) => {
    const path = request.url ?? "/";
    if (path === "/fake/requests") return send(response, seen);
    if (path === "/fake/next") {
      gate.dispatchEvent(new Event("next"));
      return send(response, {});
    }
    seen.push({ path, authorization: request.headers.authorization ?? null });
    if (path === "/v1/models") {
      return send(response, { object: "list", data: [{ id: MODEL, object: "model", owned_by: "fake" }] });
    }
    if (path === "/v1/chat/completions") return complete(request, response);
    response.writeHead(404).end();
  });
};

if (import.meta.main) {
  const [address, port] = process.argv.slice(2);
  createModelFake().listen(Number(port), address, () => {
    console.log(`FAKE model server on http://${address}:${port}/v1: its answers are made up`);
  });
}
