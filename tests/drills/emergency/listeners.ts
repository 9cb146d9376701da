import type { Codec } from "../../../lab/radio/frames";
import { startDecodingListener, startListener, type Listener } from "../../../lab/radio/listener";
import type { ListenReport } from "../../../lab/radio/report";
import { publicRoots } from "../../../lab/radio/station";
import { Amazon } from "../support/amazon";
import { limits } from "../support/limits";
import { clientOf, untilCertified } from "../support/names";
import { World } from "../support/world";

/** What the drills of this set begin with: the studio on air everywhere, and one canary that serves. */
export async function openStage(): Promise<{
    world: World;
    amazon: Amazon;
    listeners: Listeners;
    regions: string[];
}> {
    const world = await World.open();
    const amazon = await Amazon.open();
    await world.mend();
    await world.arrange({ studio: { master: "both" } });
    await world.ready(["studio"]);
    await amazon.untilServing(1, limits.canaryServes);
    await world.presentHeard();
    return { world, amazon, listeners: new Listeners(world), regions: Object.keys(world.outputs.listen) };
}

/** Who listens to the first channel in a drill; all of them leave at its end. */
export class Listeners {
    readonly mount: Record<Codec, string>;
    /** Of the channel's MP3. */
    readonly bitrateKbps: number;
    /** The station's name for listeners. */
    readonly stream: string;
    private readonly here: Listener[] = [];

    constructor(world: World) {
        const { formats = [] } = world.outputs.channels[world.channel] ?? {};
        const format = (codec: Codec) => formats.find((one) => one.codec === codec);
        this.mount = { mp3: format("mp3")?.mount ?? "", aac: format("aac")?.mount ?? "" };
        this.bitrateKbps = format("mp3")?.bitrateKbps ?? 0;
        this.stream = world.outputs.names.stream;
    }

    /** One that goes by an address, byte by byte or with ears. */
    async at(
        base: string,
        region: string,
        { decode = false, codec = "mp3" }: { decode?: boolean; codec?: Codec } = {},
    ): Promise<Listener> {
        const options = { netns: await clientOf(region), urls: [base + this.mount[codec]], codec };
        return this.seated(
            decode ? await startDecodingListener(options) : startListener({ ...options, decode }),
        );
    }

    /** One with ears that knows the station's name, or its playlist, and nothing else; by https. */
    async byName(region: string, { playlist = false } = {}): Promise<Listener> {
        const url = `https://${this.stream}${this.mount.mp3}`;
        const where = playlist ? { urls: [], playlist: `${url}.m3u` } : { urls: [url] };
        const options = { netns: await clientOf(region), ...where, codec: "mp3" as const };
        return this.seated(await startDecodingListener({ ...options, ca: publicRoots() }));
    }

    /** Waits until these addresses serve by https: a canary that has just begun has no certificate yet. */
    async untilCertified(addresses: readonly string[], region: string): Promise<void> {
        await Promise.all(addresses.map((address) => untilCertified(region, address, this.stream)));
    }

    async leave(): Promise<void> {
        await Promise.allSettled(this.here.splice(0).map((listener) => listener.stop()));
    }

    private seated(listener: Listener): Listener {
        this.here.push(listener);
        return listener;
    }
}

/** Waits until a listener hears the studio. */
export const hearsStudio = (listener: Listener) =>
    listener.waitForSource("studio", { timeoutMs: limits.atLast });

/** Waits until a listener plays from one of these addresses, by a connection made after `since`. */
export function playsFrom(
    listener: Listener,
    addresses: readonly string[],
    since: number,
): Promise<ListenReport> {
    return listener.waitFor(`audio from ${addresses.join(" or ")}`, limits.toAmazon, ({ connections }) => {
        const { at = 0, address = "", bytes = 0, ended } = connections.at(-1) ?? {};
        return ended === undefined && bytes > 0 && at > since && addresses.includes(address);
    });
}

/** Whoever noticed anything. */
export const disturbed = (reports: ListenReport[]): ListenReport[] =>
    reports.filter((one) => one.disconnects + one.failedAttempts > 0 || one.gapSeconds > 0);
