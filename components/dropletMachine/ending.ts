import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

import { loginUser } from "../machine/base";

/** How a droplet with listeners goes. */
export interface EndingPlan {
    /** How long its listeners may stay, in seconds. Then those who are left are closed. */
    drainLimitSeconds: number;
    /** How long `up` waits for that, in seconds. A droplet that still drains then is left behind. */
    waitLimitSeconds: number;
    /** For how long somebody may still come by an old answer of DNS, in seconds. */
    answerSeconds: number;
    /** How many listeners are closed in a second when their time is over. */
    closePerSecond: number;
    /** What a droplet that is left behind is known by. */
    drainingTag: pulumi.Input<string>;
    /** What ends droplets that are left behind when all of this goes: it has to go after them. */
    leftBehind: pulumi.Resource;
}

/**
 * The end of a droplet, as a resource that is deleted before it: has its listeners leave, then deletes the droplet, or leaves
 * it behind. The droplet itself is `retainOnDelete`, because Pulumi would delete it with all its listeners.
 *
 * It is Pulumi's own record of what is still to be done: after an `up` that was killed, the next one goes on. As every
 * deletion, it goes by what the state holds: a changed setting counts from the next `up` on.
 *
 * The program ends with success for a droplet that is gone or dead. It fails, and the resource stays, where a Relay with
 * listeners cannot be told to drain, where DigitalOcean refuses something, or without its token or with another account's.
 */
export function createEnding(
    name: string,
    args: {
        plan: EndingPlan;
        droplet: { id: pulumi.Output<string>; ipv4Address: pulumi.Output<string> };
        /** Public key that the machine shows. */
        hostKey: pulumi.Output<string>;
        /** Key that opens SSH. */
        privateKey: pulumi.Output<string>;
    },
    parent: pulumi.Resource,
): pulumi.Resource {
    const { plan, droplet } = args;
    return new command.local.Command(
        `${name}-end`,
        {
            delete: "node components/dropletMachine/end-droplet.mjs",
            environment: {
                AERIAL_MACHINE: name,
                AERIAL_DROPLET: droplet.id,
                AERIAL_ADDRESS: droplet.ipv4Address,
                AERIAL_HOST_KEY: args.hostKey,
                AERIAL_USER: loginUser,
                AERIAL_DRAINING_TAG: plan.drainingTag,
                AERIAL_DRAIN_LIMIT_SECONDS: String(plan.drainLimitSeconds),
                AERIAL_WAIT_LIMIT_SECONDS: String(plan.waitLimitSeconds),
                AERIAL_ANSWER_SECONDS: String(plan.answerSeconds),
                AERIAL_CLOSE_PER_SECOND: String(plan.closePerSecond),
            },
            stdin: pulumi.secret(args.privateKey),
            triggers: [droplet.id],
            logging: "stdoutAndStderr",
            addPreviousOutputInEnv: false,
        },
        { parent, dependsOn: plan.leftBehind, ignoreChanges: ["environment.AERIAL_ADDRESS"] },
    );
}
