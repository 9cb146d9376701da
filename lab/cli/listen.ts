import { InvalidArgumentError, type Command } from "commander";

import { ensureClient } from "../network/network";
import type { Codec } from "../radio/frames";
import { startDecodingListener, type Listener } from "../radio/listener";
import { pick, type StationOutputs } from "../radio/outputs";
import { describeReport, progressLine, type ListenReport } from "../radio/report";
import { publicRoots, stationOutputs } from "../radio/station";
import { sourceTones } from "../radio/tones";

interface Options {
    region?: string;
    seconds: number;
    format: Codec;
    relay?: string;
    plain?: boolean;
    playlist?: boolean;
    prebuffer: number;
    tone: number[];
    json?: boolean;
}

export function register(program: Command): void {
    program
        .command("listen")
        .description("a player in a region, which plays in real time and reports what a listener notices")
        .argument("<channel>", "channel, by its name in the outputs")
        .option("--region <region>", "where the player is (default: the first region with Relays)")
        .option("--seconds <n>", "how long to listen; 0: until Ctrl-C", positive, 20)
        .option("--format <codec>", "mp3 or aac", codec, "mp3")
        .option("--plain", "http instead of https")
        .option("--playlist", "use the channel's .m3u as players do: the next address when one fails")
        .option("--relay <url>", "base URL of the only server to try, such as http://198.18.0.10")
        .option(
            "--prebuffer <seconds>",
            "how much audio must have arrived before playing begins",
            positive,
            0.5,
        )
        .option("--tone <hz>", "another tone to recognise (can be repeated)", tones, [])
        .option("--json", "the report as JSON")
        .addHelpText(
            "after",
            "\nIt finds the station by its name and trusts only the lab's certificate authority. Times are those at which audio" +
                "\narrived; a player with a full buffer plays it later. A gap is time with an empty buffer. Silence is a hole in" +
                "\nthe audio itself.",
        )
        .action(async (channel: string, options: Options) => {
            const report = await listen(await stationOutputs(), channel, options);
            console.log(options.json ? JSON.stringify(report, null, 2) : describeReport(report));
            if (report.bytes === 0) {
                process.exitCode = 1;
            }
        });
}

async function listen(outputs: StationOutputs, channel: string, options: Options): Promise<ListenReport> {
    const region = options.region ?? Object.keys(outputs.listen)[0] ?? "";
    const listener = await startDecodingListener({
        netns: await ensureClient(region),
        ...addresses(outputs, channel, options),
        codec: options.format,
        ca: publicRoots(),
        prebufferSeconds: options.prebuffer,
        titles: true,
        tones: {
            ...sourceTones,
            ...Object.fromEntries(options.tone.map((hertz) => [`tone-${hertz}`, hertz])),
        },
    });
    const timer =
        !options.json && process.stdout.isTTY ? setInterval(() => showProgress(listener), 500) : undefined;
    await until(options.seconds);
    clearInterval(timer);
    if (timer) {
        process.stdout.write("\r\x1b[K");
    }
    return listener.stop();
}

/** What a listener knows: the station's address, or that of its playlist. */
function addresses(
    outputs: StationOutputs,
    channel: string,
    options: Options,
): { urls: string[]; playlist?: string } {
    const { formats, playlists } = pick(outputs.channels, "channel", channel);
    const format = formats.find((one) => one.codec === options.format);
    if (!format) {
        throw new Error(
            `channel ${channel} has ${formats.map((one) => one.codec).join(", ")}, no ${options.format}`,
        );
    }
    const byScheme = (url: string): string => (options.plain ? url.replace(/^https:/, "http:") : url);
    if (options.relay !== undefined) {
        return { urls: [options.relay.replace(/\/$/, "") + format.mount] };
    }
    if (!options.playlist) {
        return { urls: [byScheme(format.url)] };
    }
    const playlist = playlists.find((url) => url.endsWith(`${format.mount}.m3u`));
    if (playlist === undefined) {
        throw new Error(`channel ${channel} has no .m3u for ${format.mount}`);
    }
    return { urls: [], playlist: byScheme(playlist) };
}

/** Waits for a time or until Ctrl-C. Zero means until Ctrl-C. */
function until(seconds: number): Promise<void> {
    return new Promise((resolve) => {
        const timer = setTimeout(resolve, seconds === 0 ? 2 ** 31 - 1 : seconds * 1000);
        for (const signal of ["SIGINT", "SIGTERM"] as const) {
            process.once(signal, () => {
                clearTimeout(timer);
                resolve();
            });
        }
    });
}

function showProgress(listener: Listener): void {
    const report = listener.latest();
    if (report) {
        process.stdout.write(`\r\x1b[K${progressLine(report).slice(0, (process.stdout.columns || 80) - 1)}`);
    }
}

function positive(value: string): number {
    const number = Number(value);
    if (value === "" || !Number.isFinite(number) || number < 0) {
        throw new InvalidArgumentError("give a number of seconds.");
    }
    return number;
}

function codec(value: string): Codec {
    if (value !== "mp3" && value !== "aac") {
        throw new InvalidArgumentError("use mp3 or aac.");
    }
    return value;
}

function tones(value: string, before: number[]): number[] {
    if (!/^\d+$/.test(value) || Number(value) < 100 || Number(value) > 3800) {
        throw new InvalidArgumentError("give 100 to 3800 Hz.");
    }
    return [...before, Number(value)];
}
