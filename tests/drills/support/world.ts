import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { parse } from "yaml";
import { z } from "zod";

import { feedPort } from "../../../components/relayPool/ports";
import { planHealthCheck } from "../../../config/stationPlan";
import { parseStation } from "../../../config/station";
import { stackFile } from "../../../lab/engine/stackFile";
import { run } from "../../../lab/workstation/run";
import { waitFor } from "../../../lab/workstation/wait";
import { inNetwork } from "../../../lab/network/network";
import { execInMachine, findMachine, listMachines, mendMachine } from "../../../lab/machines/machines";
import { checkout } from "../../../lab/paths";
import { Encoder, type EncoderOptions } from "../../../lab/radio/encoder";
import type { StationOutputs } from "../../../lab/radio/outputs";
import { stationOutputs } from "../../../lab/radio/station";
import { limits } from "./limits";
import { untilAnswered } from "./names";

/** A Relay as listeners and engineers see it. */
export interface RelayPlace {
    name: string;
    region: string;
    /** Base URL for listeners. */
    url: string;
    /** Of a Relay in a second tier: the upstream that it prefers, a Relay. */
    upstream?: string;
}

/** Which sources are on, and how. A source that is not named is off. */
export type Sources = Record<string, SourceOptions>;

type SourceOptions = Pick<EncoderOptions, "master" | "speech" | "file">;

const stackSettings = z.object({ config: z.record(z.string(), z.unknown()) });

/** Settings of the set's own station, beside its drills; undefined where they are the committed ones. */
function settingsOfSet(): string | undefined {
    const file = join(dirname(expect.getState().testPath ?? ""), "station.yaml");
    return existsSync(file) ? file : undefined;
}

/** What the station in the lab was made from. */
function stationConfiguration(): ReturnType<typeof parseStation> {
    const settings = stackSettings.parse(parse(readFileSync(stackFile(), "utf8")));
    return parseStation(settings.config["aerial:station"]);
}

const feedStatus = z.record(
    z.string(),
    z.object({
        upstreams: z.record(z.string(), z.object({ alive: z.boolean(), alignment: z.string() })),
    }),
);

const masterStatus = z.object({
    channels: z.record(z.string(), z.object({ sources: z.record(z.string(), z.boolean()) })),
});

const relayStatus = z.object({
    health: z.number(),
    mounts: z.record(z.string(), z.object({ upstream: z.string().nullish() })),
});

/** The whole station in the lab, and everything that can be done to it. */
export class World {
    readonly channel: string;
    readonly relays: RelayPlace[];
    readonly masters: string[];
    /** How the station treats silence, from the lab's configuration. */
    readonly silence: ReturnType<typeof parseStation>["silence"];
    /** How long DNS may take to leave a machine out, in ms: the failed checks that it waits for, and 2 s. */
    readonly outWithinMs: number;
    private readonly on = new Map<string, SourceOptions>();
    /** From when on listeners hear nothing any more of the sources before the last change; unknown before `ready`. */
    private heardFrom: number | undefined = 0;

    /** Brings the lab up unless it is, and reads what it tells the outside world. */
    static async open(): Promise<World> {
        if (listMachines().length === 0) {
            const settings = settingsOfSet();
            const options = settings === undefined ? [] : ["--stack-file", settings];
            await run([join(checkout, "tools/lab"), "up", ...options], { timeoutSeconds: 1200 });
        }
        return new World(await stationOutputs());
    }

    private constructor(readonly outputs: StationOutputs) {
        const station = stationConfiguration();
        this.silence = station.silence;
        this.outWithinMs = limits.outOfDns(planHealthCheck(station));
        this.channel = Object.keys(outputs.channels)[0] ?? "";
        const named = (role: string) =>
            Object.entries(outputs.machines).filter(([, machine]) => machine.role === role);
        this.masters = named("master").map(([name]) => name);
        this.relays = named("relay").map(([name, { region, address }]) => {
            const url = (outputs.listen[region] ?? []).find((base) => new URL(base).hostname === address);
            if (url === undefined) {
                throw new Error(`${name} (${address}) is not among the listening addresses of ${region}`);
            }
            const [above] = station.relays.find((pool) => pool.region === region)?.upstreamRegions ?? [];
            return { name, region, url, upstream: above && `${above}-1` };
        });
    }

    /** URL of the channel in a format on a Relay. */
    url(relay: RelayPlace, codec: "mp3" | "aac"): string {
        const format = this.outputs.channels[this.channel]?.formats.find((one) => one.codec === codec);
        if (!format) {
            throw new Error(`channel ${this.channel} has no ${codec}`);
        }
        return relay.url + format.mount;
    }

    /** Addresses of the Relays of a region. */
    addressesOf(region: string): string[] {
        return this.relays.filter((relay) => relay.region === region).map(({ url }) => new URL(url).hostname);
    }

    /** The Relay with an address. */
    relayAt(address: string | undefined): RelayPlace {
        const relay = this.relays.find(({ url }) => new URL(url).hostname === address);
        if (!relay) {
            throw new Error(`no Relay has the address ${address}`);
        }
        return relay;
    }

    /** Runs a command in a machine and returns what it said. */
    async at(machine: string, argv: string[], timeoutSeconds = 60): Promise<string> {
        const { stdout } = await execInMachine(findMachine(machine).id, argv, { timeoutSeconds });
        return stdout;
    }

    /** Sees to it that exactly these sources are on, restarting those that push elsewhere. */
    async arrange(wanted: Sources): Promise<void> {
        const known = Object.keys(this.outputs.ingest.sources[this.channel] ?? {});
        for (const source of known) {
            const encoder = new Encoder(this.channel, source);
            const now = this.on.get(source);
            const wish = wanted[source];
            const stays =
                wish &&
                now &&
                now.master === wish.master &&
                now.speech === wish.speech &&
                now.file === wish.file &&
                encoder.state === "running" &&
                (await this.isWhereItBegan(encoder, wish.master));
            if (!stays && encoder.state !== "off") {
                this.heardFrom = undefined;
                await encoder.stop();
                this.on.delete(source);
            }
        }
        await Promise.all(Object.entries(wanted).map(([source, options]) => this.start(source, options)));
    }

    /** Whether an encoder that goes by the name has not been led to another Master meanwhile. */
    private async isWhereItBegan(encoder: Encoder, master: string | undefined): Promise<boolean> {
        const [preferred] = this.outputs.ingest.masters;
        return master !== undefined || (await encoder.status()).masters.join() === preferred?.id;
    }

    /** Starts a source and returns when a Master takes it. */
    async start(source: string, options: SourceOptions = {}): Promise<void> {
        if (this.encoder(source).state === "off") {
            this.heardFrom = undefined;
        }
        await this.encoder(source).start(this.outputs, options);
        this.on.set(source, options);
    }

    encoder(source: string): Encoder {
        return new Encoder(this.channel, source);
    }

    /** Undoes every fault; waits until all Relays play from the preferred Master, and encoders are led to it. */
    async mend(): Promise<void> {
        await Promise.all(
            [...this.masters, ...this.relays.map(({ name }) => name)].map(async (name) => {
                const machine = findMachine(name);
                await mendMachine(machine);
            }),
        );
        const [preferred] = this.outputs.ingest.masters;
        const upstream = preferred?.id ?? "";
        await this.onUpstream(upstream, limits.backOnPreferred).catch(async () => {
            // Where the two cannot be lined up, as different shows cannot, a feed stays; one that begins takes the preferred.
            await Promise.all(
                this.relays.map(({ name }) => this.at(name, ["systemctl", "restart", "aerial-feed.service"])),
            );
            await this.onUpstream(upstream, limits.backOnPreferred);
        });
        const { ingest } = this.outputs.names;
        await untilAnswered("studio", ingest, [preferred?.host ?? ""], { patienceMs: limits.backInDns });
    }

    /**
     * Waits until every Relay is healthy and has its listeners on this Master, those of a second tier on the Relay that
     * they prefer. Returns how long it took, in ms.
     */
    async onUpstream(upstream: string, timeoutMs: number): Promise<number> {
        const started = Date.now();
        for (;;) {
            const states = await Promise.all(this.relays.map(async (relay) => this.stateOf(relay)));
            if (states.every((state, index) => state === (this.relays[index]?.upstream ?? upstream))) {
                return Date.now() - started;
            }
            if (Date.now() - started > timeoutMs) {
                const told = this.relays.map(({ name }, index) => `${name}: ${states[index]}`).join(", ");
                throw new Error(`not all Relays play from ${upstream} within ${timeoutMs} ms: ${told}`);
            }
            await sleep(500);
        }
    }

    /** The upstream of all of a Relay's mounts, or what is wrong. */
    private async stateOf(relay: RelayPlace): Promise<string> {
        try {
            const { stdout } = await execInMachine(
                findMachine(relay.name).id,
                ["/usr/local/lib/aerial/status"],
                {
                    timeoutSeconds: 5,
                },
            );
            const { health, mounts } = relayStatus.parse(JSON.parse(stdout));
            const upstreams = [...new Set(Object.values(mounts).map(({ upstream }) => upstream ?? "none"))];
            return health === 200 ? upstreams.join("+") : `health ${health}`;
        } catch (error) {
            return error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
        }
    }

    /** Machine of the Master that the listeners of the first Relay hear. */
    async masterHeard(): Promise<string> {
        const [relay] = this.relays;
        let state = "there is no Relay";
        return waitFor(
            async () => {
                state = relay === undefined ? state : await this.stateOf(relay);
                return this.masters.find((name) => name === `master-${state}`);
            },
            {
                // After the standby audio, mounts may play from different Masters for 20 s.
                limitMs: 30_000,
                everyMs: 250,
                complaint: () => `the first Relay plays from no Master: ${state}`,
            },
        );
    }

    /** Waits until the listeners of the first Relay do not hear this Master any more. */
    async leaves(master: string, timeoutMs: number): Promise<void> {
        await waitFor(async () => (await this.masterHeard()) !== master, {
            limitMs: timeoutMs,
            everyMs: 250,
            complaint: () => `${master} is still heard after ${timeoutMs} ms`,
        });
    }

    /** Waits until every Master could play each of these sources at once: it has filled what it holds of them. */
    async ready(sources: readonly string[]): Promise<void> {
        let missing: string[] = [];
        await waitFor(
            async () => {
                const present = await Promise.all(this.masters.map((name) => this.sourcesOf(name)));
                missing = present.flatMap((known, index) =>
                    sources
                        .filter((source) => known[source] !== true)
                        .map((source) => `${source} at ${this.masters[index]}`),
                );
                return missing.length === 0;
            },
            { limitMs: limits.atLast, everyMs: 250, complaint: () => `not ready: ${missing.join(", ")}` },
        );
        this.heardFrom ??= Date.now() + limits.onTheWay;
    }

    /**
     * Waits until listeners hear the sources that are `ready`: what Relays have in hand and send as a burst may be of those
     * before, with the announcement in between.
     */
    async presentHeard(): Promise<void> {
        if (this.heardFrom === undefined) {
            throw new Error("sources have changed: wait until they are ready");
        }
        await sleep(Math.max(0, this.heardFrom - Date.now()));
    }

    /** Which sources of the channel a Master has now. */
    private async sourcesOf(master: string): Promise<Record<string, boolean>> {
        const told = await this.at(master, ["/usr/local/lib/aerial/status"]);
        return masterStatus.parse(JSON.parse(told)).channels[this.channel]?.sources ?? {};
    }

    /** Waits until every Master has a healthy answer for those who check it. */
    async mastersWell(timeoutMs: number): Promise<void> {
        const started = Date.now();
        for (const { id, host } of this.outputs.ingest.masters) {
            await waitFor(() => answersWell("studio", `http://${host}/healthz`), {
                limitMs: Math.max(0, started + timeoutMs - Date.now()),
                everyMs: 250,
                complaint: () => `Master ${id} is not well within ${timeoutMs} ms`,
            });
        }
    }

    /** Waits until Relays know where each Master is in the programme: speech or music, no tones. */
    async linedUp(timeoutMs: number): Promise<void> {
        const told: Record<string, string> = {};
        await Promise.all(
            this.relays.map(({ name }) =>
                waitFor(async () => this.areLinedUp((told[name] = await this.feedStatus(name))), {
                    limitMs: timeoutMs,
                    everyMs: 500,
                    complaint: () =>
                        `${name} has not lined up its upstreams within ${timeoutMs} ms: ${told[name]}`,
                }),
            ),
        );
    }

    private async feedStatus(relay: string): Promise<string> {
        const { stdout } = await execInMachine(findMachine(relay).id, [
            ...["curl", "--silent", "--max-time", "2", `http://127.0.0.1:${feedPort}/status`],
        ]);
        return stdout;
    }

    private areLinedUp(status: string): boolean {
        const masters = this.outputs.ingest.masters.map(({ id }) => id);
        return Object.values(feedStatus.parse(JSON.parse(status)))
            .flatMap(({ upstreams }) => masters.flatMap((id) => upstreams[id] ?? []))
            .every(({ alive, alignment }) => alive && (alignment === "heard" || alignment === "aligned"));
    }

    /** Waits until a source has a connection to every host that it pushes to. */
    async onAllHosts(source: string, timeoutMs: number): Promise<void> {
        const encoder = this.encoder(source);
        await waitFor(async () => (await encoder.status()).hosts.every(({ connected }) => connected), {
            limitMs: timeoutMs,
            everyMs: 250,
            complaint: () => `the ${source} is not connected to every host within ${timeoutMs} ms`,
        });
    }

    /** Main process and number of restarts of every unit of ours on the Relays: the same before and after a drill. */
    async relayProcesses(): Promise<Record<string, string[]>> {
        return this.processes(this.relays.map(({ name }) => name));
    }

    /** The same of other machines. */
    async processes(machines: readonly string[]): Promise<Record<string, string[]>> {
        const entries = await Promise.all(
            machines.map(async (name) => [name, await unitProcesses(name)] as const),
        );
        return Object.fromEntries(entries);
    }

    /** Kills the main process of a unit, without a word to anybody. */
    async killUnit(machine: string, unit: string): Promise<void> {
        await execInMachine(findMachine(machine).id, ["systemctl", "kill", "--signal=KILL", unit]);
    }
}

async function answersWell(place: string, url: string): Promise<boolean> {
    const argv = ["curl", "--silent", "--fail", "--max-time", "1", "--output", "/dev/null", url];
    const { code } = await run(inNetwork(place, argv), { allow: "any" });
    return code === 0;
}

async function unitProcesses(machine: string): Promise<string[]> {
    const { stdout } = await execInMachine(findMachine(machine).id, [
        ...["systemctl", "show", "--property=Id,MainPID,NRestarts,ActiveEnterTimestampMonotonic"],
        ...["--type=service", "--state=active", "aerial-*"],
    ]);
    return (
        stdout
            .trim()
            .split(/\n\n+/)
            // It ends whenever the monitoring machine does not answer.
            .filter((unit) => !unit.includes("Id=aerial-journal-upload.service"))
            .map((unit) => unit.split("\n").sort().join(" "))
            .sort()
    );
}
