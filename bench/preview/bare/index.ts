/** The least a program with a number of resources can cost: commands without a command, and no components. */
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

const config = new pulumi.Config();
// What the fleet's own index.ts does, to tell how much of the difference that makes.
if (config.requireBoolean("lean")) Reflect.deleteProperty(Error, "prepareStackTrace");
const resources = config.requireNumber("resources");
for (let index = 0; index < resources; index++) new command.local.Command(`nothing-${index}`);
