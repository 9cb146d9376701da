import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

import type { ChannelPlan } from "../../model/channels";
import { linkUser } from "../../model/links";
import { ofGenerations, type Generations } from "../../model/rotation";
import type { SourcePlan } from "../../model/sources";
import {
    linkLoginName,
    linkPasswordName,
    sourcePasswordName,
    type SecretGenerations,
} from "../machine/secrets";

export interface StationCredentialsArgs {
    channels: ChannelPlan[];
    sources: SourcePlan[];
    /** Generations of the password that Relays and Masters pull with. */
    linkGenerations: Generations;
    /** Generations of passwords by channel and source; 1 unless named. */
    sourceGenerations?: Record<string, Record<string, number>>;
}

/** Length that stays comfortable to type into an encoder: 24 of 62 characters are 142 bits. */
const passwordLength = 24;

/**
 * The passwords of a station. They exist in the encrypted state and, delivered over SSH, on the machines that check
 * them. A resource's name ends in the generation of its password: another number makes a new one beside the old one, which
 * goes when every machine has been changed. Machines take it in place.
 */
export class StationCredentials extends pulumi.ComponentResource {
    /** What encoders log in with, by channel and source. */
    public readonly sourcePasswords: Record<string, Record<string, pulumi.Output<string>>>;
    /** What Relays and Masters pull with: user and password of the present generation, with a colon between. */
    public readonly linkLogin: pulumi.Output<string>;
    /** Passwords of links that Masters accept. Each generation has a user of its own (`linkUser`). */
    public readonly linkPasswords: { generation: number; value: pulumi.Output<string> }[];
    /** Of the link login, the link passwords and the sources' passwords. */
    public readonly generations: SecretGenerations;

    constructor(name: string, args: StationCredentialsArgs, opts?: pulumi.ComponentResourceOptions) {
        super("aerial:index:StationCredentials", name, args, opts);
        const password = (what: string, generation: number): pulumi.Output<string> =>
            pulumi.secret(
                new random.RandomPassword(
                    `${name}-${what}-${generation}`,
                    // Letters and digits only: some encoders send other characters in the wrong encoding.
                    { length: passwordLength, special: false },
                    { parent: this },
                ).result,
            );
        const links = ofGenerations(args.linkGenerations, (generation) => password("link", generation));
        this.linkLogin = pulumi.interpolate`${linkUser(args.linkGenerations.present)}:${links.present}`;
        this.linkPasswords = links.accepted;
        const generationOf = (channel: string, source: string) =>
            args.sourceGenerations?.[channel]?.[source] ?? 1;
        const sources = args.sources.map((source) => source.name);
        this.sourcePasswords = Object.fromEntries(
            args.channels.map(({ id }) => [
                id,
                Object.fromEntries(
                    sources.map((source) => [source, password(`${id}-${source}`, generationOf(id, source))]),
                ),
            ]),
        );
        this.generations = {
            [linkLoginName]: [args.linkGenerations.present],
            ...Object.fromEntries(
                args.linkGenerations.accepted.map((generation) => [
                    linkPasswordName(generation),
                    [generation],
                ]),
            ),
            ...Object.fromEntries(
                args.channels.flatMap(({ id }) =>
                    sources.map((source) => [sourcePasswordName(id, source), [generationOf(id, source)]]),
                ),
            ),
        };
        this.registerOutputs({});
    }
}
