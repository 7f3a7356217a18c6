import { randomUUID } from "node:crypto";
import { type Answer, type Call, fetchJson, fetchWhole, type Origin, open } from "./http.ts";
import { LiveSocket } from "./live-socket.ts";

/** A chat as Open WebUI lists it. */
export interface Chat {
  id: string;
  title: string;
}

/** One tenant's Open WebUI as a visitor's browser reaches it: through nginx, by host name. */
export class TenantClient {
  readonly origin: Origin;

  constructor(origin: Origin) {
    this.origin = origin;
  }

  get(path: string, call?: Call): Promise<Answer> {
    return fetchWhole(this.origin, path, call);
  }

  json<T>(path: string): Promise<T> {
    return fetchJson<T>(this.origin, path);
  }

  /** Signs in, as a browser does. */
  async signIn(email: string, password: string): Promise<Session> {
    const { token, role } = await fetchJson<{ token: string; role: string }>(
      this.origin,
      "/api/v1/auths/signin",
      { body: { email, password } },
    );
    return new Session(this.origin, token, role);
  }

  /** Tries to make an account; the answer says whether a stranger could. */
  signUp(email: string): Promise<Answer> {
    const body = { name: "Stranger", email, password: "a stranger's password" };
    return this.get("/api/v1/auths/signup", { body });
  }
}

/** A signed-in user of one tenant. */
export class Session {
  readonly #origin: Origin;
  readonly #token: string;
  readonly role: string;

  constructor(origin: Origin, token: string, role: string) {
    this.#origin = origin;
    this.#token = token;
    this.role = role;
  }

  /** The same user, as somebody who comes another way. */
  through({ origin }: TenantClient): Session {
    return new Session(origin, this.#token, this.role);
  }

  /** Saves a chat with one question in it and returns its id. */
  async createChat(title: string): Promise<string> {
    const message = { id: randomUUID(), parentId: null, childrenIds: [], role: "user", content: title };
    const chat = {
      title,
      models: [],
      messages: [message],
      history: { messages: { [message.id]: message }, currentId: message.id },
      timestamp: 0,
    };
    return (await this.#call<Chat>("/api/v1/chats/new", { body: { chat } })).id;
  }

  chats(): Promise<Chat[]> {
    return this.#call<Chat[]>("/api/v1/chats/");
  }

  /** Makes an account, as an admin does. */
  async addUser(user: { name: string; email: string; password: string; role: string }): Promise<void> {
    await this.#call("/api/v1/auths/add", { body: user });
  }

  /** A chat, whole, as the application gives it. */
  chat(id: string): Promise<Chat & { chat: { messages: { content: string }[] } }> {
    return this.#call(`/api/v1/chats/${id}`);
  }

  async deleteChat(id: string): Promise<void> {
    await this.#call(`/api/v1/chats/${id}`, { method: "DELETE" });
  }

  /** Uploads bytes without having them indexed; returns the answer, so that limits can be tried. */
  uploadFile(name: string, content: Buffer): Promise<Answer> {
    const boundary = randomUUID();
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: text/plain\r\n\r\n`;
    const body = Buffer.concat([Buffer.from(head), content, Buffer.from(`\r\n--${boundary}--\r\n`)]);
    return fetchWhole(this.#origin, "/api/v1/files/?process=false", {
      body,
      headers: { ...this.#headers(), "Content-Type": `multipart/form-data; boundary=${boundary}` },
    });
  }

  /** What an uploaded file holds. */
  async fileContent(id: string): Promise<Buffer> {
    return (await fetchWhole(this.#origin, `/api/v1/files/${id}/content`, { headers: this.#headers() })).body;
  }

  /** The same sign-in somewhere else: whoever serves there has to take the token that they were given here. */
  at({ origin }: TenantClient): Session {
    return new Session(origin, this.#token, this.role);
  }

  /** Names of the models the tenant's connections offer. */
  async models(): Promise<string[]> {
    const { data } = await this.#call<{ data: { id: string }[] }>("/api/models");
    return data.map((model) => model.id);
  }

  /** Asks a model and yields each piece of the answer's text as it arrives. */
  async *ask(model: string, question: string): AsyncGenerator<string> {
    const body = { model, stream: true, messages: [{ role: "user", content: question }] };
    const incoming = await open(this.#origin, "/api/chat/completions", { body, headers: this.#headers() });
    let waiting = "";
    for await (const chunk of incoming) {
      const events = (waiting + chunk).split("\n\n");
      waiting = events.pop() ?? "";
      for (const event of events) yield* textOf(event);
    }
  }

  /** Opens the application's WebSocket as this user. */
  connect(): Promise<LiveSocket> {
    return LiveSocket.open(this.#origin, this.#token);
  }

  #headers(): Record<string, string> {
    return { Authorization: `Bearer ${this.#token}` };
  }

  #call<T>(path: string, call: Call = {}): Promise<T> {
    return fetchJson<T>(this.#origin, path, { ...call, headers: this.#headers() });
  }
}

/** The text one server-sent event of a chat completion carries, if any. */
const textOf = (event: string): string[] => {
  const data = event.replace(/^data: /, "");
  if (data === "[DONE]" || !data.startsWith("{")) return [];
  const { choices } = JSON.parse(data) as { choices?: { delta?: { content?: string } }[] };
  const content = choices?.[0]?.delta?.content;
  return content ? [content] : [];
};
