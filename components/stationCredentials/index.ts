import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

import type { ChannelPlan } from "../../model/channels";
import type { SourcePlan } from "../../model/sources";

export interface StationCredentialsArgs {
    channels: ChannelPlan[];
    sources: SourcePlan[];
}

/** Length that stays comfortable to type into an encoder: 24 of 62 characters are 142 bits. */
const passwordLength = 24;

/**
 * The passwords of a station. They exist in the encrypted state and, delivered over SSH, on the machines that check
 * them. Rotate one with `pulumi up --replace <its URN>`: machines take it in place.
 */
export class StationCredentials extends pulumi.ComponentResource {
    /** What encoders log in with, by channel and source. */
    public readonly sourcePasswords: Record<string, Record<string, pulumi.Output<string>>>;
    /** What Relays and Masters pull with. */
    public readonly linkPassword: pulumi.Output<string>;

    constructor(name: string, args: StationCredentialsArgs, opts?: pulumi.ComponentResourceOptions) {
        super("aerial:index:StationCredentials", name, args, opts);
        const password = (what: string): pulumi.Output<string> =>
            pulumi.secret(
                new random.RandomPassword(
                    `${name}-${what}`,
                    // Letters and digits only: some encoders send other characters in the wrong encoding.
                    { length: passwordLength, special: false },
                    { parent: this },
                ).result,
            );
        this.linkPassword = password("link");
        this.sourcePasswords = Object.fromEntries(
            args.channels.map((channel) => [
                channel.id,
                Object.fromEntries(
                    args.sources.map((source) => [source.name, password(`${channel.id}-${source.name}`)]),
                ),
            ]),
        );
        this.registerOutputs({});
    }
}
