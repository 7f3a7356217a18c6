import { Server, ServerCredentials } from "@grpc/grpc-js";
import services from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import type { Provider } from "./resource.ts";
import { sdkVersion } from "./sdk-version.ts";
import { methodsOf } from "./server.ts";
import { statusTo } from "./status.ts";

/** Properties of a whole stack may pass in one message; the engine's own limit is 400 MB. */
const messageLimit = 400 * 1024 * 1024;

/**
 * Runs a provider as a plugin process: binds a free loopback port and prints it, which is all that the engine waits
 * for. It gives its own address as the argument. When it dies, however it does, our standard input ends.
 */
export const serve = <C>(provider: Provider<C>): void => {
  // Set by the launcher for this process alone; commands inherit the environment.
  delete process.env.NODE_COMPILE_CACHE;
  const status = statusTo(process.argv.at(-1) ?? "");
  const server = new Server({
    "grpc.max_receive_message_length": messageLimit,
    "grpc.max_send_message_length": messageLimit,
  });
  const stopped = new AbortController();
  const methods = methodsOf(provider, { version: sdkVersion(provider.name), status, stopped });
  server.addService(services.ResourceProviderService, methods as never);
  // Commands still running would outlive us: they stop first.
  const stop = () => {
    stopped.abort();
    process.exit(0);
  };
  process.stdin.once("end", stop).once("error", stop).resume();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    process.stdout.write(`${port}\n`);
  });
};
