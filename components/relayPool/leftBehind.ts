import * as command from "@pulumi/command";
import * as digitalocean from "@pulumi/digitalocean";
import * as pulumi from "@pulumi/pulumi";

/** A droplet of the station at DigitalOcean, whatever Pulumi knows of it. */
export interface FoundDroplet {
    id: number;
    /** Machine name, for example `relay-ams3-1`. */
    name: string;
    region: string;
    /** Public IPv4 address. */
    address: string;
    /** Whether it was left behind by an earlier `up`, and drains. */
    draining: boolean;
    /** Whether it is switched off: a droplet costs the same then. */
    off: boolean;
}

/**
 * Asks DigitalOcean for the station's Masters and Relays: those that were left behind are in no state. A preview asks, too.
 *
 * @param tags names, as texts: known before the tags exist.
 * @returns undefined, after a warning, where DigitalOcean does not answer: no change has to wait for that.
 */
export function findDroplets(tags: {
    link: string;
    draining: string;
}): pulumi.Output<FoundDroplet[] | undefined> {
    const found = digitalocean.getDroplets({ filters: [{ key: "tags", values: [tags.link] }] }).then(
        ({ droplets }) =>
            droplets.map(({ id, name, region, ipv4Address, status, tags: given }) => ({
                ...{ id, name, region },
                address: ipv4Address,
                draining: given.includes(tags.draining),
                off: status === "off",
            })),
        async (error: unknown) => {
            const reason = error instanceof Error ? error.message : String(error);
            await pulumi.log.warn(`not known what was left behind: ${reason}`);
            return undefined;
        },
    );
    return pulumi.output(found);
}

/**
 * What a preview says of droplets that cost money and serve no purpose, one line for each.
 *
 * @param machines names of those that the configuration describes.
 */
export function describeLeftBehind(found: readonly FoundDroplet[], machines: readonly string[]): string[] {
    return found.flatMap((droplet) => {
        const { id, name, address, draining, off } = droplet;
        const what = `${name} (droplet ${id}, ${address})`;
        if (draining) {
            return off
                ? `Left behind: ${what} has ended, and is deleted by pulumi up`
                : `Left behind: ${what} still drains; it ends by itself, and a later pulumi up deletes it`;
        }
        if (!machines.includes(name)) {
            return `Not in the configuration: ${what}; pulumi up deletes it unless its state has lost it`;
        }
        const twins = found.filter((other) => other !== droplet && other.name === name && !other.draining);
        const older = twins.find((other) => other.id < id);
        if (older) {
            return (
                `Twice there: ${name} (droplet ${older.id}, ${older.address}) and ${what}; either may serve. pulumi up ` +
                "deletes one of them unless its state has lost it: docs/runbooks/drain.md"
            );
        }
        // Somebody has switched it off, or it has ended because of an `up` that was killed.
        return off && twins.length === 0
            ? `Switched off: ${what} is in the configuration and serves nobody; delete it, then pulumi up --refresh ` +
                  "makes another one"
            : [];
    });
}

/**
 * Deletes droplets of a pool that were left behind and have ended. When the pool goes, it ends all of them: without a pool
 * there is no firewall for them and no private network, and a later `up` would not look for them.
 *
 * @param off ids of those that have switched themselves off.
 */
export function endLeftBehind(
    name: string,
    args: {
        drainingTag: pulumi.Input<string>;
        /** Id of the region's private network. It cannot be deleted while such a droplet is in it. */
        vpcUuid: pulumi.Input<string> | undefined;
        off: pulumi.Input<number[]>;
    },
    opts: pulumi.CustomResourceOptions,
): pulumi.Resource {
    const program = "node components/dropletMachine/end-left-behind.mjs";
    return new command.local.Command(
        name,
        {
            create: `${program} off`,
            delete: `${program} all`,
            environment: {
                AERIAL_DRAINING_TAG: args.drainingTag,
                AERIAL_VPC: args.vpcUuid ?? "",
                AERIAL_OFF: pulumi.output(args.off).apply((ids) => JSON.stringify(ids)),
            },
            logging: "stdoutAndStderr",
            addPreviousOutputInEnv: false,
        },
        opts,
    );
}
