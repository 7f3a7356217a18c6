import { EventEmitter } from "node:events";
import { type Metadata, status } from "@grpc/grpc-js";
import messages from "@pulumi/pulumi/proto/provider_pb.js";
import statuses from "@pulumi/pulumi/proto/status_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { beforeEach, expect, test } from "vitest";
import { marked } from "../../../../toolchain/providers/plugin/marker.ts";
import {
  fromStruct,
  notYetKnown,
  type Properties,
  toStruct,
} from "../../../../toolchain/providers/plugin/properties.ts";
import {
  type Context,
  IncompleteError,
  type Provider,
  replaces,
  resource,
  updates,
} from "../../../../toolchain/providers/plugin/resource.ts";
import { methodsOf } from "../../../../toolchain/providers/plugin/server.ts";
import { number, text } from "../../../../toolchain/providers/plugin/types.ts";

const urn = "urn:pulumi:dev::project::owui:fleet:Tenant$fake:index:Box::acme-box";

/** What the box's operations do in a test; each notes that it ran. */
let ran: string[];
let creating: (context: Context<string>) => Promise<{ id: string; state: Properties }>;

const box = resource<string>()({
  inputs: {
    image: replaces(text, { required: true }),
    host: replaces(text, { computed: true }),
    memory: updates(number),
  },
  outputs: ["address"],
  create: (_inputs, context) => {
    ran.push("create");
    return creating(context);
  },
  update: async () => {
    ran.push("update");
    return { address: "new" };
  },
  read: async (id, state) => (id === "gone" ? undefined : { id, state: { ...state, memory: 2 } }),
  delete: async () => {
    ran.push("delete");
  },
});

const provider: Provider<string> = {
  name: "fake",
  config: {},
  connect: () => "client",
  resources: { "fake:index:Box": async () => box },
};

interface Failed {
  code: number;
  message: string;
  metadata: Metadata;
}

/** Calls a method as gRPC does; the answer, or the error it would send. */
const call = <Response>(method: unknown, request: unknown): Promise<Response> =>
  new Promise((resolve, reject) => {
    const incoming = Object.assign(new EventEmitter(), { request });
    (method as (call: unknown, callback: (error: Failed | null, response: Response) => void) => void)(
      incoming,
      (error, response) => (error ? reject(error) : resolve(response)),
    );
  });

let methods: ReturnType<typeof methodsOf>;
let lines: string[];

beforeEach(async () => {
  ran = [];
  lines = [];
  creating = async ({ client, name }) => ({ id: `${client}-${name}`, state: { address: "here" } });
  const stopped = new AbortController();
  methods = methodsOf(provider, { version: "1.2.3", status: (_urn, line) => lines.push(line), stopped });
  await call(
    methods.configure,
    new messages.ConfigureRequest().setArgs(toStruct(marked({ version: "1.2.3" }))),
  );
});

const create = (properties: Properties, preview = false) =>
  call<messages.CreateResponse>(
    methods.create,
    new messages.CreateRequest().setUrn(urn).setProperties(toStruct(properties)).setPreview(preview),
  );

test("a resource inside a component is found by the last type of its URN and called by its name", async () => {
  const created = await create({ image: "i", __defaults: ["image"] });
  expect(created.getId()).toBe("client-acme-box");
  expect(fromStruct(created.getProperties())).toEqual({ image: "i", address: "here" });
});

test("a preview answers without running anything: outputs and computed inputs are unknown", async () => {
  const created = await create({ image: notYetKnown }, true);
  expect(fromStruct(created.getProperties())).toEqual({
    image: notYetKnown,
    host: notYetKnown,
    address: notYetKnown,
  });
  const update = new messages.UpdateRequest().setUrn(urn).setPreview(true);
  const olds = toStruct({ image: "i", host: "h", memory: 1, address: "a" });
  const updated = await call<messages.UpdateResponse>(
    methods.update,
    update.setOlds(olds).setNews(toStruct({ image: "i" })),
  );
  expect(fromStruct(updated.getProperties())).toEqual({ image: "i", host: "h", address: "a" });
  expect(ran).toEqual([]);
});

test("all that is wrong with the inputs comes as failures of the check", async () => {
  const request = new messages.CheckRequest().setUrn(urn).setNews(toStruct({ gpus: "all", memory: "x" }));
  const checked = await call<messages.CheckResponse>(methods.check, request);
  expect(checked.getFailuresList().map((failure) => failure.getReason())).toEqual([
    "gpus: not supported by the stand-in: leave it out",
    "image: missing: it is required",
    "memory: expected a number, found string",
  ]);
});

test("a type that is not built is refused with those that are", async () => {
  const other = urn.replace("Box", "Crate");
  await expect(call(methods.check, new messages.CheckRequest().setUrn(other))).rejects.toMatchObject({
    message: "fake:index:Crate is not built into the fake stand-in, which has: fake:index:Box",
  });
});

test("a refresh changes the inputs that drifted; of what is gone nothing is answered", async () => {
  const request = new messages.ReadRequest().setUrn(urn).setProperties(toStruct({ image: "i", memory: 1 }));
  const inputs = toStruct({ image: "i", memory: 1 });
  const read = await call<messages.ReadResponse>(methods.read, request.setId("here").setInputs(inputs));
  expect(fromStruct(read.getInputs())).toEqual({ image: "i", memory: 2 });
  expect((await call<messages.ReadResponse>(methods.read, request.setId("gone"))).getId()).toBe("");
});

test("what was made but is not as it should be keeps its id and state in the error's details", async () => {
  creating = async () => {
    throw new IncompleteError("never got healthy", { id: "half", state: { image: "i" } });
  };
  const failed = await create({ image: "i" }).catch((error: Failed) => error);
  const { code, message, metadata } = failed as Failed;
  expect([code, message]).toEqual([status.UNKNOWN, "never got healthy"]);
  const [details] = metadata.get("grpc-status-details-bin");
  const [packed] = statuses.Status.deserializeBinary(details as Buffer).getDetailsList();
  const incomplete = messages.ErrorResourceInitFailed.deserializeBinary(
    packed?.getValue_asU8() as Uint8Array,
  );
  expect([incomplete.getId(), fromStruct(incomplete.getProperties())]).toEqual(["half", { image: "i" }]);
});

const untilAborted = ({ signal, status: show }: Context<string>) =>
  new Promise<never>((_, reject) => {
    show("waiting");
    signal.addEventListener("abort", () => reject(new Error("stopped")));
  });

test("Cancel stops what is running; a timeout of the resource's own stops it, too", async () => {
  creating = untilAborted;
  const running = create({ image: "i" });
  const timed = call(
    methods.create,
    new messages.CreateRequest()
      .setUrn(urn)
      .setProperties(toStruct({ image: "i" }))
      .setTimeout(0.01),
  );
  await expect(timed).rejects.toMatchObject({ message: "stopped" });
  await call(methods.cancel, new empty.Empty());
  await expect(running).rejects.toMatchObject({ message: "stopped" });
  expect(lines).toEqual(["waiting", "waiting"]);
});

test("state with a real plugin's traces is not touched", async () => {
  const request = new messages.DeleteRequest().setUrn(urn).setProperties(toStruct({ __meta: "{}" }));
  await expect(call(methods.delete, request)).rejects.toMatchObject({
    message: expect.stringContaining("was made by the real fake plugin"),
  });
  expect(ran).toEqual([]);
});
