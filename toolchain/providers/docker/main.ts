import type { Provider } from "../plugin/resource.ts";
import { serve } from "../plugin/serve.ts";
import { field, list, text } from "../plugin/types.ts";
import { connect, type Engine } from "./engine.ts";

/** Stand-in for the `docker` provider: talks to a Docker engine of this machine, or over ssh to one of another. */
const docker: Provider<Engine> = {
  name: "docker",
  config: { host: field(text), sshOpts: field(list(text)) },
  connect,
  resources: {
    "docker:index/container:Container": async () => (await import("./container.ts")).container,
    "docker:index/network:Network": async () => (await import("./network.ts")).network,
    "docker:index/image:Image": async () => (await import("./image.ts")).image,
    "docker:index/remoteImage:RemoteImage": async () => (await import("./remote-image.ts")).remoteImage,
    "docker:index/volume:Volume": async () => (await import("./volume.ts")).volume,
  },
};

serve(docker);
