import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { z } from "zod";

import { issuingRoots } from "../acme";
import { cgroupProcesses, type ProcessState } from "../workstation/cgroups";
import { readJson, writeJson } from "../workstation/files";
import { run } from "../workstation/run";
import {
    serviceLog,
    serviceState,
    setServiceFrozen,
    startService,
    stopService,
} from "../workstation/services";
import { waitFor } from "../workstation/wait";
import { ensureImage, imageCommand } from "../machines/image";
import { sites } from "../network/addresses";
import { ensureNetwork, inNetwork, setIpv4 } from "../network/network";
import { cacheFolder, labCgroup, labPath } from "../paths";
import { sourceAudio } from "./audio";
import { askLiquidsoap } from "./control";
import { pick, type StationOutputs } from "./outputs";

export interface EncoderOptions {
    /** Tone under the audio, in Hz; the source's own unless given. */
    tone?: number;
    /** An audio file to play in a loop instead of the spoken announcement. */
    file?: string;
    /** About ten minutes of speech that never repeats, instead of the spoken announcement. */
    speech?: boolean;
    /**
     * Id of the Master to push to, or `both` for all Masters, by their addresses. Unless given, it looks up the ingest name
     * for each connection.
     */
    master?: string;
    /**
     * Pushes by TLS to the ingest name. Liquidsoap checks that a known root signed the certificate, but not the name in
     * it.
     */
    tls?: boolean;
    /** File with roots that TLS trusts too; those of the lab's certificate authority unless given. */
    roots?: string;
}

/** The status of encoder.liq. A host's id is that of a Master, or `ingest` for the ingest name. */
const statusSchema = z.object({
    silent: z.boolean(),
    hosts: z.array(z.object({ id: z.string(), connected: z.boolean(), error: z.string() })),
});

export interface EncoderStatus extends z.infer<typeof statusSchema> {
    /** Ids of the Masters to whose addresses it has a connection. */
    masters: string[];
}

/** Id that stands for the ingest name. */
const byName = "ingest";

const script = join(__dirname, "encoder.liq");

/** How long an encoder may take to be connected, in milliseconds: about one second, and many on a busy workstation. */
const connectLimitMs = 45_000;
/** For this time, a connection that has just died may still hold a mount. */
const takenLimitMs = 6_000;

/** Errors of a host that no waiting helps against, or not after some time. */
const finalErrors = [
    { pattern: /^401/, afterMs: 0, text: "refuses this user and password" },
    { pattern: /SSL verification/, afterMs: 0, text: "leads to a certificate that is not trusted" },
    // Icecast 2.4 says 403, 2.5 says 409.
    { pattern: /^(403|409)/, afterMs: takenLimitMs, text: "has another encoder on this mount" },
];

/**
 * An encoder in the outside world: a real Liquidsoap in a namespace of its own, which knows what a studio team knows. It
 * goes on after the command that started it, and ends with the lab.
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

    get state(): ProcessState {
        return serviceState(this.service);
    }

    /**
     * Starts it and waits until a host accepts the stream (with `both`: every host, or those that do within 6 s).
     *
     * @returns the status; undefined when it ran already, and then nothing has changed.
     * @throws with the reason when no host accepts the stream; the encoder is then stopped.
     */
    async start(outputs: StationOutputs, options: EncoderOptions = {}): Promise<EncoderStatus | undefined> {
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
        const all = options.master === "both";
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

    /** Keeps its connections open and sends nothing, as a studio's computer that hangs. */
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

    /**
     * Sends a title from now on. Ends of lines become spaces.
     *
     * @returns where in its audio file the title begins, in seconds.
     */
    async setTitle(title: string): Promise<number> {
        return Number(await this.ask(`title ${title.replace(/[\r\n]+/g, " ")}`));
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

    /** The Masters to which its process has connections. Liquidsoap does not know where a name led it. */
    private async mastersConnected(): Promise<string[]> {
        const masters = z.record(z.string(), z.string()).parse(readJson(this.mastersFile) ?? {});
        const pids = cgroupProcesses(labCgroup("services", this.service));
        const argv = ["ss", "-H", "-t", "-n", "-p", "state", "established"];
        const { stdout } = await run(inNetwork(this.netns, argv));
        const own = stdout.split("\n").filter((line) => pids.some((pid) => line.includes(`pid=${pid},`)));
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

    /** The namespace it pushes from, with small send buffers, as on a line that carries nothing else. */
    private async place(): Promise<string> {
        const { netns } = this;
        await ensureNetwork();
        await setIpv4(netns, { tcp_wmem: "4096 16384 65536", tcp_retries2: "4" });
        return netns;
    }

    private connected(all: boolean): Promise<EncoderStatus> {
        const started = Date.now();
        let errors: string[] = [];
        const look = async (): Promise<EncoderStatus | undefined> => {
            if (this.state === "off") {
                throw new Error(`the encoder ended:\n${lastLines(serviceLog(this.service), 10)}`);
            }
            const status = await this.status().catch(() => undefined);
            const waited = Date.now() - started;
            const hosts = status?.hosts ?? [];
            const accepting = hosts.filter(({ connected }) => connected).length;
            if (accepting > 0 && (!all || accepting === hosts.length || waited > takenLimitMs)) {
                return status;
            }
            for (const { pattern, afterMs, text } of finalErrors) {
                const host = hosts.find(({ error }) => pattern.test(error));
                if (host && waited >= afterMs) {
                    throw new Error(`${placeOf(host.id)} ${text} (${host.error})`);
                }
            }
            errors = hosts
                .filter(({ error }) => error !== "")
                .map(({ id, error }) => `${placeOf(id)}: ${error}`);
            return undefined;
        };
        return waitFor(look, {
            limitMs: connectLimitMs,
            everyMs: 100,
            complaint: () =>
                `no Master accepts the stream within ${connectLimitMs / 1000} s: ${errors.join("; ") || "no answer"}`,
        });
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
    if (master === "both") {
        return masters;
    }
    const byId = Object.fromEntries(masters.map((host) => [host.id, host]));
    return [pick(byId, "Master", master)];
}

/** Name of a host of the status, for people. */
export function placeOf(id: string): string {
    return id === byName ? "the ingest name" : `Master ${id}`;
}

function lastLines(file: string, count: number): string {
    return readFileSync(file, "utf8").trimEnd().split("\n").slice(-count).join("\n");
}
