/**
 * Where a test's alerts end: a real webhook receiver and a real mail server that keep what they are sent, run as a
 * program of its own: `node alert-sink.ts <http port> <smtp port>`. GET /received gives all of it.
 */
import { createServer } from "node:http";
import { createServer as createTcpServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { json } from "node:stream/consumers";

/** A POST that came in. */
export interface ReceivedCall {
  path: string;
  /** As Alertmanager sends it, webhook version 4. */
  body: { status: string; alerts: { status: string; labels: Record<string, string> }[] };
}

/** A mail that came in. */
export interface ReceivedMail {
  from: string;
  to: string[];
  /** Headers and text. */
  content: string;
}

/** What the sink was sent, oldest first. */
export interface Received {
  calls: ReceivedCall[];
  mails: ReceivedMail[];
}

const received: Received = { calls: [], mails: [] };

const webhook = createServer(async (request, response) => {
  if (request.url !== "/received")
    received.calls.push({ path: request.url ?? "/", body: (await json(request)) as ReceivedCall["body"] });
  response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(received));
});

/** As much of RFC 5321 as a client needs to hand over a mail. */
async function takeMails(socket: Socket): Promise<void> {
  const say = (line: string) => socket.write(`${line}\r\n`);
  let mail: ReceivedMail = { from: "", to: [], content: "" };
  let inData = false;
  say("220 sink");
  for await (const line of createInterface({ input: socket })) {
    if (inData) {
      if (line !== ".") mail.content += `${line}\n`;
      else {
        inData = false;
        received.mails.push(mail);
        mail = { from: "", to: [], content: "" };
        say("250 kept");
      }
      continue;
    }
    const [, from] = /^MAIL FROM:<(.+)>/i.exec(line) ?? [];
    const [, to] = /^RCPT TO:<(.+)>/i.exec(line) ?? [];
    if (from) mail.from = from;
    if (to) mail.to.push(to);
    inData = /^DATA$/i.test(line);
    say(inData ? "354 go on" : /^QUIT$/i.test(line) ? "221 bye" : "250 sink");
    if (/^QUIT$/i.test(line)) socket.end();
  }
}

const mailServer = createTcpServer((socket) => {
  socket.on("error", () => {}); // whoever went away has been heard
  void takeMails(socket).catch(() => {});
});

if (import.meta.main) {
  const [httpPort, smtpPort] = process.argv.slice(2).map(Number);
  webhook.listen(httpPort, () =>
    mailServer.listen(smtpPort, () => console.log(`alerts end at ${httpPort} and ${smtpPort}`)),
  );
}
