import { resolve } from "node:path";

import { InvalidArgumentError, type Command } from "commander";

import { callerFolder } from "../paths";
import { Encoder, placeOf, type EncoderStatus } from "../radio/encoder";
import { pick } from "../radio/outputs";
import { stationOutputs } from "../radio/station";
import { sourceTones } from "../radio/tones";

const actions = {
    start: "connect, and return when a Master accepts the stream",
    stop: "close the connection",
    freeze: "keep the connection and send nothing, as a computer that hangs does",
    thaw: "go on after freeze",
    silence: "send digital silence",
    sound: "send sound again",
    title: "send the title that --title gives",
    status: "show which Masters accept the stream",
};

interface Options {
    tone?: number;
    file?: string;
    speech?: boolean;
    title?: string;
    master?: string;
    tls?: boolean;
}

export function register(program: Command): void {
    program
        .command("source")
        .description("an encoder in the outside world, which knows only the stack's outputs")
        .argument("<channel>", "channel, by its name in the outputs")
        .argument("<source>", "studio, mobile or airtime")
        .argument("<action>", Object.keys(actions).join(", "))
        .option("--tone <hz>", "tone that identifies it (default: the source's own)", wholeNumber)
        .option("--file <path>", "audio to play in a loop (default: a voice that names the source)")
        .option(
            "--speech",
            "ten minutes of speech that never repeats, in place of the voice that names the source",
        )
        .option("--title <text>", "the title that the action `title` sends")
        .option(
            "--master <id>",
            "push to this Master only (a, b) or to both, by their addresses (default: by the ingest name)",
        )
        .option("--tls", "push by TLS, and trust the lab's certificate authority too")
        .addHelpText(
            "after",
            `\nActions:\n${Object.entries(actions)
                .map(([name, what]) => `  ${name.padEnd(9)}${what}`)
                .join("\n")}` +
                "\n\nWithout --master it looks up the ingest name for each connection, and pushes to that Master." +
                `\nTones: ${Object.entries(sourceTones)
                    .map(([name, hertz]) => `${name} ${hertz} Hz`)
                    .join(", ")}.`,
        )
        .action(async (channel: string, source: string, action: string, options: Options) => {
            console.log(await act(channel, source, action, options));
        });
}

async function act(channel: string, source: string, action: string, options: Options): Promise<string> {
    const encoder = new Encoder(channel, source);
    const name = `${channel}'s ${source}`;
    if (action === "start") {
        return start(encoder, name, source, options);
    }
    pick(actions, "action", action);
    if (encoder.state === "off") {
        if (action === "stop") {
            return `${name} was not on`;
        }
        throw new Error(`${name} is not on (source ${channel} ${source} start)`);
    }
    switch (action) {
        case "stop":
            await encoder.stop();
            return `${name} has closed its connection`;
        case "freeze":
            await encoder.freeze();
            return `${name} keeps its connection and sends nothing`;
        case "thaw":
            await encoder.thaw();
            return `${name} goes on`;
        case "silence":
        case "sound":
            await encoder.setSilent(action === "silence");
            return `${name} sends ${action}`;
        case "title":
            await encoder.setTitle(options.title ?? "");
            return `${name} sends ${options.title === undefined ? "an empty title" : `the title ${options.title}`}`;
        default:
            return encoder.state === "frozen" ? `${name} is frozen` : describe(name, await encoder.status());
    }
}

async function start(encoder: Encoder, name: string, source: string, options: Options): Promise<string> {
    if (encoder.state !== "off") {
        return `${name} is already on (${encoder.state}); nothing has changed`;
    }
    const file = options.file === undefined ? undefined : resolve(callerFolder, options.file);
    const status = await encoder.start(await stationOutputs(), { ...options, file });
    const tone = options.tone ?? (file === undefined ? sourceTones[source] : undefined);
    const audio = file ?? (options.speech ? "speech that never repeats" : "a voice that says so");
    return `${status ? describe(name, status) : name}, with ${audio}${tone === undefined ? "" : ` over ${tone} Hz`}`;
}

function describe(name: string, { hosts, silent, masters }: EncoderStatus): string {
    const on = hosts.some(({ connected }) => connected) ? masters : [];
    const failed = hosts.filter(({ connected, error }) => !connected && error !== "");
    const where = on.length === 0 ? "is connected to no Master" : `is on at Master ${on.join(" and ")}`;
    const why = failed.map(({ id, error }) => ` (${placeOf(id)}: ${error})`).join("");
    return `${name} ${where}${why}${silent ? ", silent" : ""}`;
}

function wholeNumber(value: string): number {
    if (!/^\d+$/.test(value)) {
        throw new InvalidArgumentError("give whole hertz.");
    }
    return Number(value);
}
