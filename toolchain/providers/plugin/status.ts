import { credentials } from "@grpc/grpc-js";

/** Shows a line beside a resource while it is worked on, as the engine's status messages do. */
export type Status = (urn: string, line: string) => void;

/**
 * Status lines over the engine's own service. Most runs show none, so its protocol is loaded with the first one, and
 * lines keep their order. A line that cannot be delivered is dropped: it is only decoration.
 */
export const statusTo = (engineAddress: string): Status => {
  const connect = async () => {
    const [services, messages] = await Promise.all([
      import("@pulumi/pulumi/proto/engine_grpc_pb.js"),
      import("@pulumi/pulumi/proto/engine_pb.js"),
    ]);
    const client = new services.default.EngineClient(engineAddress, credentials.createInsecure());
    return { client, messages: messages.default };
  };
  let engine: ReturnType<typeof connect> | undefined;
  return (urn, line) => {
    engine ??= connect();
    engine.then(
      ({ client, messages }) => {
        const request = new messages.LogRequest()
          .setSeverity(messages.LogSeverity.INFO)
          .setUrn(urn)
          .setMessage(line)
          .setEphemeral(true);
        client.log(request, () => {});
      },
      () => {},
    );
  };
};
