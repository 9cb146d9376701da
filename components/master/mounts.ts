import { isIP, isIPv6 } from "node:net";

import type { MasterPlan } from "./plan";
import { isIdentifier } from "../../model/identifier";
import type { Upstream } from "../../model/links";
import { sourceMount } from "../../model/sources";
import { sourcePasswordName } from "../machine/secrets";

/** A mount that one encoder pushes to. */
export interface DirectMount {
    channel: string;
    /** Name of the source, as the journal and the status show it. */
    name: string;
    path: string;
    mount: string;
    user: string;
    /** Name of the secret that is its password. */
    secret: string;
}

/** A mount that Relays pull. */
export interface PublicMount {
    path: string;
    /** How much of the past a connection begins with: 16 s. */
    burstBytes: number;
    /** How far a connection may lag before it is cut: 32 s. */
    queueBytes: number;
    /** After how many bytes a title may follow: 0.1 s. */
    titleBytes: number;
}

const burstSeconds = 16;
const queueSeconds = 32;
const titleSeconds = 0.1;

/** The mounts that encoders push to, by channel and then by priority. */
export function directMounts(plan: Pick<MasterPlan, "channels" | "sources">): DirectMount[] {
    return plan.channels.flatMap((channel) =>
        plan.sources.map((source) => {
            const mount = sourceMount(channel.id, source.name);
            return {
                channel: channel.id,
                name: source.name,
                path: mount,
                mount,
                user: source.name,
                secret: sourcePasswordName(channel.id, source.name),
            };
        }),
    );
}

/** The mounts that the local Liquidsoap feeds, one a format. */
export function publicMounts(plan: MasterPlan): PublicMount[] {
    return plan.channels.flatMap((channel) =>
        channel.formats.map((format) => {
            const bytes = (seconds: number) => Math.round((seconds * format.bitrateKbps * 1000) / 8);
            return {
                path: format.mount,
                burstBytes: bytes(burstSeconds),
                queueBytes: bytes(queueSeconds),
                titleBytes: bytes(titleSeconds),
            };
        }),
    );
}

/**
 * For how long Icecast keeps a source that sends nothing, in seconds; it counts whole ones, and takes up to one more. Not
 * shorter than what Liquidsoap holds, so that a stall that nobody hears does not cost the encoder its connection.
 */
export function sourceTimeoutSeconds(plan: Pick<MasterPlan, "bufferSeconds">): number {
    return Math.max(3, Math.ceil(plan.bufferSeconds));
}

/** How many connections and sources Icecast takes: all that are planned for, twice, and some that are refused. */
export function icecastLimits(plan: MasterPlan): { clientLimit: number; sourceLimit: number } {
    const mounts = directMounts(plan).length + publicMounts(plan).length;
    return { clientLimit: 2 * mounts * (plan.maxLinks + 2) + 256, sourceLimit: mounts };
}

/**
 * Refuses a plan whose names could not be what they become: parts of paths, of mounts, of units' and secrets' names.
 * Two channels and sources may also spell the same mount: `a-b` with `c`, and `a` with `b-c`.
 */
export function refuseUnusableNames(plan: MasterPlan): void {
    const identifiers = [
        plan.id,
        ...plan.channels.map(({ id }) => id),
        ...plan.sources.map(({ name }) => name),
    ];
    const bad = identifiers.find((identifier) => !isIdentifier(identifier));
    if (bad !== undefined) {
        throw new Error(
            `${JSON.stringify(bad)} is not an identifier: use lower-case letters, digits and hyphens`,
        );
    }
    const paths = [...directMounts(plan), ...publicMounts(plan)].map((mount) => mount.path);
    const badPath = paths.find((path) => !/^\/[a-z0-9][a-z0-9._-]*$/.test(path));
    if (badPath !== undefined) {
        throw new Error(`${JSON.stringify(badPath)} cannot be a mount: use a path such as /main.mp3`);
    }
    const shared = paths.find((path, index) => paths.indexOf(path) !== index);
    if (shared !== undefined) {
        throw new Error(`two sources would have the mount ${shared}: rename a channel or a source`);
    }
}

/**
 * Where NGINX finds a Master. An address, and not a name: NGINX resolves names when it starts, and would not start
 * without an answer. Masters keep their reserved address through replacement.
 */
export function peerAddress(peer: Upstream): string {
    if (isIP(peer.host) === 0) {
        throw new Error(`${JSON.stringify(peer.host)} is not the address of a Master: give its reserved IP`);
    }
    return isIPv6(peer.host) ? `[${peer.host}]` : peer.host;
}

/** The link of another Master. */
export function linkUrl(peer: Upstream): string {
    return `https://${peerAddress(peer)}:${peer.port}`;
}
