/** The least a program with a number of resources can cost: commands without a command, and no components. */
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

const resources = new pulumi.Config().requireNumber("resources");
for (let index = 0; index < resources; index++) new command.local.Command(`nothing-${index}`);
