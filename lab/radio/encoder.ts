import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { z } from "zod";

import { issuingRoots } from "../acme";
import { readJson, writeJson } from "../workstation/files";
import { run } from "../workstation/run";
import {
    serviceLog,
    serviceState,
    setServiceFrozen,
    startService,
    stopService,
} from "../workstation/services";
import { ensureImage, imageCommand } from "../machines/image";
import { sites } from "../network/addresses";
import { ensureNetwork, inNamespace, inNetwork } from "../network/network";
import { cacheFolder, labCgroup, labPath } from "../paths";
import { sourceAudio } from "./audio";
import { askLiquidsoap } from "./control";
import { pick, type StationOutputs } from "./outputs";

export interface EncoderOptions {
    channel: string;
    source: string;
    /** Tone under the audio, in Hz; the source's own unless given. */
    tone?: number;
    /** An audio file to play in a loop instead of the spoken announcement. */
    file?: string;
    /**
     * Which Master to push to by its address, by id, or `all` of them at once. Unless given: where the ingest name
     * leads, looked up for every connection.
     */
    master?: string;
    /**
     * Pushes by TLS, by the ingest name. Liquidsoap verifies that a known root signed the certificate, but not the
     * name in it.
     */
    tls?: boolean;
    /** File with the roots that TLS adds to those it knows; the lab's certificate authority's unless given. */
    roots?: string;
}

const statusSchema = z.object({
    silent: z.boolean(),
    hosts: z.array(z.object({ id: z.string(), connected: z.boolean(), error: z.string() })),
});

export interface EncoderStatus {
    silent: boolean;
    hosts: {
        /** Of a Master, or `ingest` for the name. */
        id: string;
        connected: boolean;
        error: string;
    }[];
    /** Ids of the Masters that it has a connection to, by their addresses. */
    masters: string[];
}

/** The one host of an encoder that goes by the name. */
const byName = "ingest";

const script = join(__dirname, "encoder.liq");

/** How long an encoder may take to be connected, in milliseconds. Its start takes about one second. */
const connectLimitMs = 15_000;
/** A mount may be held for a while by a connection that has just died. */
const takenLimitMs = 6_000;

/**
 * One encoder in the outside world: a real Liquidsoap in a namespace of its own, which knows what a studio team knows.
 * It goes on after the command that started it, and ends with the lab.
 */
export class Encoder {
    private readonly service: string;
    private readonly folder: string;

    constructor(
        private readonly channel: string,
        private readonly source: string,
    ) {
        this.service = `source-${channel}-${source}`;
        this.folder = labPath("sources", `${channel}-${source}`);
    }

    get state(): "running" | "frozen" | "off" {
        return serviceState(this.service);
    }

    /**
     * Starts it and waits until a host takes the stream (with `all`: every host, or those that do within 6 s).
     *
     * @returns the status; undefined when it ran already, and then nothing has changed.
     * @throws with the reason when no host takes the stream; the encoder is then stopped.
     */
    async start(outputs: StationOutputs, options: Omit<EncoderOptions, "channel" | "source"> = {}) {
        if (this.state !== "off") {
            return undefined;
        }
        const { mount, user } = pick(
            pick(outputs.ingest.sources, "channel", this.channel),
            "source",
            this.source,
        );
        const password = pick(
            pick(outputs.ingestPasswords, "password for channel", this.channel),
            "password for source",
            this.source,
        );
        const hosts = chooseHosts(outputs, options);
        const all = options.master === "all" || options.master === "both";
        await ensureImage();
        const audio = await sourceAudio({ channel: this.channel, source: this.source, ...options });
        const netns = await this.place();
        rmSync(this.folder, { recursive: true, force: true });
        writeJson(join(this.folder, "settings.json"), {
            audio: "/audio",
            mount,
            user,
            password,
            bitrate_kbps: outputs.ingest.encoder.bitrateKbps,
            all,
            tls: options.tls ?? false,
            hosts,
            control: "/encoder/control",
        });
        writeJson(
            this.mastersFile,
            Object.fromEntries(outputs.ingest.masters.map(({ id, host }) => [host, id])),
        );
        const cache = join(cacheFolder, "liquidsoap");
        mkdirSync(cache, { recursive: true });
        await startService(
            this.service,
            imageCommand(["liquidsoap", "/encoder.liq"], {
                netns,
                binds: [
                    { source: this.folder, target: "/encoder", writable: true },
                    { source: cache, target: "/cache", writable: true },
                    { source: script, target: "/encoder.liq" },
                    { source: audio, target: "/audio" },
                    ...(options.tls ? [{ source: options.roots ?? issuingRoots, target: "/roots.pem" }] : []),
                ],
                env: { ENCODER_SETTINGS: "/encoder/settings.json", LIQ_CACHE_USER_DIR: "/cache" },
            }),
        );
        try {
            return await this.connected(all);
        } catch (error) {
            await this.stop();
            throw error;
        }
    }

    /** Closes its connections and ends it. */
    async stop(): Promise<void> {
        await stopService(this.service);
        rmSync(this.folder, { recursive: true, force: true });
    }

    /** Its connections stay open and nothing is sent, as when a studio's computer hangs. */
    async freeze(): Promise<void> {
        await setServiceFrozen(this.service, true);
    }

    async thaw(): Promise<void> {
        await setServiceFrozen(this.service, false);
    }

    /** Sends digital silence, or sound again. */
    async setSilent(silent: boolean): Promise<void> {
        await this.ask(silent ? "silence" : "sound");
    }

    async status(): Promise<EncoderStatus> {
        const told = statusSchema.parse(JSON.parse(await this.ask("status")));
        return { ...told, masters: await this.mastersConnected() };
    }

    private get mastersFile(): string {
        return join(this.folder, "masters.json");
    }

    private get netns(): string {
        return this.source in sites ? this.source : "studio";
    }

    /** Whom its process has connections to: by a name, it does not know itself. */
    private async mastersConnected(): Promise<string[]> {
        const masters = z.record(z.string(), z.string()).parse(readJson(this.mastersFile) ?? {});
        const pids = readFileSync(join(labCgroup("services", this.service), "cgroup.procs"), "utf8");
        const argv = ["ss", "-H", "-t", "-n", "-p", "state", "established"];
        const { stdout } = await run(inNetwork(this.netns, argv));
        const own = stdout
            .split("\n")
            .filter((line) => pids.split("\n").some((pid) => pid !== "" && line.includes(`pid=${pid},`)));
        return Object.keys(masters)
            .filter((address) => own.some((line) => line.includes(` ${address}:`)))
            .map((address) => masters[address] ?? "");
    }

    private ask(command: string): Promise<string> {
        if (this.state !== "running") {
            throw new Error(`the encoder of ${this.channel}'s ${this.source} is ${this.state}`);
        }
        return askLiquidsoap(join(this.folder, "control"), command);
    }

    /** The namespace it pushes from, with the small send buffers of a line that is used for nothing else. */
    private async place(): Promise<string> {
        const { netns } = this;
        await ensureNetwork();
        const settings = { tcp_wmem: "4096 16384 65536", tcp_retries2: "4" };
        for (const [name, value] of Object.entries(settings)) {
            await run(inNamespace(netns, ["tee", `/proc/sys/net/ipv4/${name}`]), { stdin: value });
        }
        return netns;
    }

    private async connected(all: boolean): Promise<EncoderStatus> {
        const started = Date.now();
        for (;;) {
            await sleep(100);
            const waited = Date.now() - started;
            if (this.state === "off") {
                throw new Error(`the encoder ended:\n${lastLines(serviceLog(this.service), 10)}`);
            }
            const status = await this.status().catch(() => undefined);
            const on = status?.hosts.filter((host) => host.connected) ?? [];
            if (
                status &&
                on.length > 0 &&
                (!all || on.length === status.hosts.length || waited > takenLimitMs)
            ) {
                return status;
            }
            const refusal = status?.hosts.find(({ error }) => error.startsWith("401"));
            const taken = status?.hosts.find(({ error }) => error.startsWith("403"));
            const stranger = status?.hosts.find(({ error }) => error.includes("SSL verification"));
            const reasons = status?.hosts.filter(({ error }) => error !== "") ?? [];
            if (refusal) {
                throw new Error(`${placeOf(refusal.id)} refuses this user and password (${refusal.error})`);
            }
            if (stranger) {
                throw new Error(
                    `${placeOf(stranger.id)} leads to a certificate that is not trusted (${stranger.error})`,
                );
            }
            if (taken && waited > takenLimitMs) {
                throw new Error(`${placeOf(taken.id)} has another encoder on this mount (${taken.error})`);
            }
            if (waited > connectLimitMs) {
                const why = reasons.map(({ id, error }) => `${placeOf(id)}: ${error}`).join("; ");
                throw new Error(
                    `no Master takes the stream within ${connectLimitMs / 1000} s: ${why || "no answer"}`,
                );
            }
        }
    }
}

function chooseHosts(
    { ingest }: StationOutputs,
    { master, tls }: { master?: string; tls?: boolean },
): StationOutputs["ingest"]["masters"] {
    const { masters } = ingest;
    if (master === undefined) {
        return [{ id: byName, host: ingest.host, port: tls ? ingest.tlsPort : ingest.port }];
    }
    if (tls) {
        throw new Error("a Master's certificate has the station's names: TLS goes by name only");
    }
    if (master === "all" || master === "both") {
        return masters;
    }
    const byId = Object.fromEntries(masters.map((host) => [host.id, host]));
    return [pick(byId, "Master", master)];
}

/** How a host of the status is named to people. */
export function placeOf(id: string): string {
    return id === byName ? "the ingest name" : `Master ${id}`;
}

function lastLines(file: string, count: number): string {
    return readFileSync(file, "utf8").trimEnd().split("\n").slice(-count).join("\n");
}
