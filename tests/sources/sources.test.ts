import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { MasterPlan } from "../../components/master/plan";
import { renderMaster } from "../../components/master/render";
import { ensureImage, imageCommand } from "../../lab/machines/image";
import { Decoder, decoderArguments, type HeardSilence, type HeardSource } from "../../lab/radio/decoder";
import { FrameCutter, type Codec } from "../../lab/radio/frames";
import { sourceTones } from "../../lab/radio/tones";
import { masterPlan } from "../support/masterPlan";
import { installedMaster, onMaster, passwordOf } from "../support/masterStage";
import { installPackages } from "../support/packages";

/*
 * What happens to sources on their way through a Master: the real Icecast and Liquidsoap with their rendered files, encoders
 * with lines that stall, die or come back, clocks that are off, and titles; and a listener that hears the public mounts as a
 * Relay does. Three Masters side by side, so that it takes a minute.
 */

/** A source of `sources-in-image.py`; times are seconds after its start. */
interface Encoder {
    mount: string;
    /** 8101 is another Master's Icecast. */
    port?: number;
    file: string;
    kbps: number;
    start: number;
    end: number;
    /** How fast its clock is; 1 when absent. */
    rate?: number;
    /** When its line stalls, and for how long. */
    stalls?: [number, number][];
    /** Its line dies without a word at its end. */
    dies?: boolean;
    /** When it sets a title, percent-encoded, and the charset that it names. */
    titles?: [number, string, string | null][];
}

interface Title {
    /** Where it stands in the audio that was heard, in seconds. */
    mediaSeconds: number;
    block: string;
}

interface Heard {
    sources: HeardSource[];
    silences: HeardSilence[];
    titles: Title[];
}

interface Outcome {
    heard: Record<Codec, Heard>;
    /** What Liquidsoap held of a source over time, in seconds. */
    held: (id: string) => { at: number; seconds: number }[];
}

const sound = (source: string, from: number, to: number, more: Partial<Encoder> = {}): Encoder => ({
    mount: `/main-${source}`,
    file: `/audio/${source}.mp3`,
    kbps: 128,
    start: from,
    end: to,
    ...more,
});

/** Sets up a Master, runs the encoders, and listens. `change` is shell that may edit its files before. */
async function play(
    encoders: Encoder[],
    seconds: number,
    plan: Partial<MasterPlan> = {},
    change = "true",
): Promise<Outcome> {
    const master = masterPlan(plan);
    const root = await installedMaster(master);
    const folder = mkdtempSync(join(tmpdir(), "aerial-heard-"));
    const passwords = Object.fromEntries(master.sources.map(({ name }) => [name, passwordOf(name)]));
    const listeners = [{ mount: "/main.mp3" }, { mount: "/main.aac" }];
    writeFileSync(join(folder, "scenario.json"), JSON.stringify({ encoders, listeners, passwords, seconds }));
    const tones = ["studio", "mobile", "airtime"].map((name) => `tone ${name} ${sourceTones[name] ?? 0}`);
    const { stdout } = await onMaster(
        root,
        `${installPackages(renderMaster(master))}
         chgrp icecast /etc/aerial/icecast.xml /etc/aerial/icecast-listeners
         chgrp liquidsoap /etc/aerial/radio-secrets.liq
         ${change}
         sed 's|<port>8000</port>|<port>8101</port>|' /etc/aerial/icecast.xml >/etc/aerial/peer.xml
         for file in icecast peer; do
             setpriv --reuid icecast2 --regid icecast --clear-groups icecast2 -c /etc/aerial/$file.xml >/dev/null 2>&1 &
         done
         install -d /var/lib/aerial/announcement /var/lib/aerial/emergency/main /audio
         install -d -o liquidsoap /run/aerial-radio/main
         tone() { ffmpeg -nostdin -v error -f lavfi -i sine=$2:d=20:r=44100 -ac 2 -b:a 128k -write_xing 0 /audio/$1.mp3; }
         ${tones.join("; ")}
         ffmpeg -nostdin -v error -f lavfi -i sine=2600:d=20:r=44100 /var/lib/aerial/announcement/main.wav
         until curl -s -o /dev/null http://127.0.0.1:8000/ && curl -s -o /dev/null http://127.0.0.1:8101/; do sleep 0.1; done
         setpriv --reuid liquidsoap --regid liquidsoap --clear-groups env HOME=/tmp \
             liquidsoap /etc/aerial/radio/main.liq >/heard/radio.log 2>&1 &
         radio=$!
         until [ -S /run/aerial-radio/main/control.sock ]; do kill -0 $radio; sleep 0.2; done
         python3 /master-sources.py "$(cat /heard/scenario.json)" /heard`,
        // Liquidsoap starts in 3 s, and in a minute on a machine with much else to do.
        seconds + 100,
        [
            { source: folder, target: "/heard", writable: true },
            { source: join(__dirname, "sources-in-image.py"), target: "/master-sources.py" },
        ],
    );
    const results = JSON.parse(stdout) as {
        listeners: Record<string, { titles: [number, string][]; arrivals: [number, number][] }>;
        status: { at: number; heldSeconds: [string, number][] }[];
    };
    const hear = async (codec: Codec): Promise<Heard> => {
        const { titles, arrivals } = results.listeners[`/main.${codec}`] ?? { titles: [], arrivals: [] };
        const audio = readFileSync(join(folder, `main.${codec}`));
        const cutter = new FrameCutter(codec);
        const decoder = new Decoder(imageCommand(decoderArguments(codec)));
        let from = 0;
        const ends = arrivals.map(([at, to]) => {
            const frames = cutter.push(audio.subarray(from, to));
            from = to;
            decoder.push(frames.data, cutter.seconds, at * 1000);
            return { to, seconds: cutter.seconds };
        });
        await decoder.end();
        return {
            sources: decoder.timeline(),
            silences: decoder.silences().filter(({ milliseconds }) => milliseconds > 50),
            titles: titles.map(([place, block]) => ({
                mediaSeconds: ends.find(({ to }) => to >= place)?.seconds ?? 0,
                block: Buffer.from(block, "hex").toString("utf8"),
            })),
        };
    };
    const heard = { mp3: await hear("mp3"), aac: await hear("aac") };
    rmSync(root, { recursive: true });
    rmSync(folder, { recursive: true });
    return {
        heard,
        held: (id) =>
            results.status.map(({ at, heldSeconds }) => ({ at, seconds: new Map(heldSeconds).get(id) ?? 0 })),
    };
}

const formats: Codec[] = ["mp3", "aac"];
const names = ({ sources }: Heard): string[] => sources.map(({ source }) => source);
const between = (levels: { at: number; seconds: number }[], from: number, to: number): number[] =>
    levels.filter(({ at }) => at >= from && at < to).map(({ seconds }) => seconds);

/** The titles from 0.5 s after a source's beginning: the one that stands then, and those that follow, with their distance. */
function titlesOf(heard: Heard, source: string): { stands: string | undefined; follow: [number, string][] } {
    const begin = heard.sources.findIndex((one) => one.source === source);
    const from = heard.sources[begin]?.mediaSeconds ?? 0;
    const to = heard.sources[begin + 1]?.mediaSeconds ?? Infinity;
    const settled = from + 0.5;
    return {
        stands: heard.titles.filter(({ mediaSeconds }) => mediaSeconds < settled).at(-1)?.block,
        follow: heard.titles
            .filter(({ mediaSeconds }) => mediaSeconds >= settled && mediaSeconds < to - 0.5)
            .map(({ mediaSeconds, block }) => [mediaSeconds - from, block]),
    };
}

/** What a block says of a source with a title. */
const says = (title: string, source: string): string => `StreamTitle='${title}';StreamUrl='${source}';`;

/**
 * Whether a block comes at its place. A busy machine sends audio later than the title that it belongs to: within a second.
 * The drill of titles judges what is promised, 0.5 s.
 */
function comes(follow: [number, string][], expected: string, after: number): boolean {
    return follow.some(([at, block]) => block === expected && Math.abs(at - after) < 1);
}

let ladder: Outcome;
let lines: Outcome;
let clocks: Outcome;

beforeAll(async () => {
    await ensureImage();
    [ladder, lines, clocks] = await Promise.all([
        play(
            [
                sound("airtime", 0, 33, { titles: [[1, "Airtime%20%E2%98%80", "UTF-8"]] }),
                sound("studio", 3, 20, {
                    stalls: [
                        [8, 2.5],
                        [13, 3],
                    ],
                    titles: [
                        [4, "Za%C5%BC%C3%B3%C5%82%C4%87", "UTF-8"],
                        [7, "", null],
                        [12, "%E9t%E9", "ISO-8859-1"],
                    ],
                }),
                sound("mobile", 12, 30),
            ],
            // The announcement comes 6 s after the playout has gone; more, where this machine is busy.
            52,
        ),
        play(
            [
                sound("airtime", 0, 42),
                // A title from before the Master looks, and before it is on air.
                sound("mobile", 2, 16, { titles: [[2.1, "Mobile", "UTF-8"]] }),
                sound("studio", 4, 14, { port: 8101, stalls: [[9, 3]], dies: true }),
                sound("studio", 24, 31),
                sound("studio", 32.5, 37),
            ],
            44,
            { icecast: "2.5" },
        ),
        // A clock that is off by 3 % instead of 100 ppm, and everything else in proportion.
        play(
            [
                // Whoever is ready first is heard first, on a busy machine not always who connects first.
                sound("airtime", 0, 54),
                sound("studio", 0, 54, { rate: 0.97 }),
                sound("mobile", 0, 54, { rate: 1.03 }),
            ],
            54,
            { bufferSeconds: 1 },
            `sed -i 's/^correction = 0.003$/correction = 0.06/; s/^judged_seconds = 10.$/judged_seconds = 1./' \
                 /etc/aerial/radio/main.liq
             grep -c -e '^correction = 0.06$' -e '^judged_seconds = 1.$' /etc/aerial/radio/main.liq | grep -qx 2`,
        ),
    ]);
}, 300_000);

describe.each(formats)("a listener of %s", (codec) => {
    it("hears the studio, and no hole, while its line stalls for 2.5 s and for 3 s", () => {
        const { sources, silences } = ladder.heard[codec];
        expect(names(ladder.heard[codec])).toEqual([
            "airtime",
            "studio",
            "mobile",
            "airtime",
            "announcement",
        ]);
        expect(silences).toEqual([]);
        // All of the 17 s that the studio sent, but for what it sent before the Master looked.
        expect(sources[1]?.seconds).toBeGreaterThan(16.5);
        expect(sources[1]?.seconds).toBeLessThan(17.5);
    });

    it("hears the studio, and no hole, while another Master's studio stalls for 3 s", () => {
        const { sources, silences } = lines.heard[codec];
        expect(silences).toEqual([]);
        expect(names(lines.heard[codec]).slice(0, 4)).toEqual(["airtime", "mobile", "studio", "mobile"]);
        expect(sources[2]?.seconds).toBeGreaterThan(9.3);
    });

    it("hears the next source without a hole when a line dies without a word", () => {
        const { sources, silences } = lines.heard[codec];
        expect(sources[3]?.source).toBe("mobile");
        expect(silences).toEqual([]);
    });

    it("hears the studio only while its encoder connects anew within what is held", () => {
        const { sources, silences } = lines.heard[codec];
        expect(names(lines.heard[codec]).slice(4)).toEqual(["airtime", "studio", "airtime"]);
        // 7 s and 4.5 s, less what was lost between.
        expect(sources[5]?.seconds).toBeGreaterThan(11);
        expect(silences).toEqual([]);
    });

    it("hears a source whose clock is slow without a hole, longer than what is held would last", () => {
        const { sources } = clocks.heard[codec];
        const from = sources.findIndex(({ source }) => source === "studio");
        expect(sources[from]?.mediaSeconds).toBeLessThan(10);
        // While it is corrected by 6 %, its tone is none of those that are known.
        expect(
            sources.slice(from).filter(({ source }) => source !== "studio" && source !== "unknown"),
        ).toEqual([]);
        expect(clocks.heard[codec].silences).toEqual([]);
    });

    it("sees a title in UTF-8, whatever charset it came in, at its place in the audio", () => {
        const { follow } = titlesOf(ladder.heard[codec], "studio");
        // Set 1 s and 9 s after the studio connected.
        expect(comes(follow, says("Zażółć", "studio"), 1)).toBe(true);
        expect(comes(follow, says("été", "studio"), 9)).toBe(true);
    });

    it("sees the channel's title after a source's title was emptied", () => {
        expect(comes(titlesOf(ladder.heard[codec], "studio").follow, says("Main", "studio"), 4)).toBe(true);
    });

    it("sees the channel's title from the switch on when a source without titles goes on air", () => {
        expect(titlesOf(ladder.heard[codec], "mobile")).toEqual({
            stands: says("Main", "mobile"),
            follow: [],
        });
    });

    it("sees a source's own title again from the switch to it on", () => {
        const { sources, titles } = ladder.heard[codec];
        const own = titles.filter(({ block }) => block === says("Airtime ☀", "airtime")).at(-1);
        expect(Math.abs((own?.mediaSeconds ?? 0) - (sources[3]?.mediaSeconds ?? 0))).toBeLessThan(0.5);
    });

    it("sees the title of a source that was set while another one was on air", () => {
        expect(titlesOf(lines.heard[codec], "mobile").stands).toBe(says("Mobile", "mobile"));
    });

    it.each([
        ["2.4", () => ladder],
        ["2.5", () => lines],
    ])("is told by Icecast %s with each switch, and not otherwise, which source is heard", (_, outcome) => {
        const { sources, titles } = outcome().heard[codec];
        const told = titles
            .map(({ mediaSeconds, block }) => ({
                mediaSeconds,
                source: /;StreamUrl='(.*)';$/.exec(block)?.[1],
            }))
            // Icecast has an empty title until Liquidsoap's first one comes.
            .filter(({ source }) => source !== undefined)
            .filter(({ source }, index, all) => source !== all[index - 1]?.source);
        expect(told.map(({ source }) => source)).toEqual(sources.map(({ source }) => source));
        const distances = told.map(({ mediaSeconds }, index) =>
            Math.abs(mediaSeconds - (sources[index]?.mediaSeconds ?? 0)),
        );
        expect(Math.max(...distances.slice(1))).toBeLessThan(0.5);
    });

    it("never gets a title block without an end", () => {
        const blocks = [ladder, lines, clocks].flatMap(({ heard }) => heard[codec].titles);
        expect(blocks.length).toBeGreaterThan(8);
        expect(blocks.filter(({ block }) => !/^StreamTitle='(.*';StreamUrl='.+)?';$/.test(block))).toEqual(
            [],
        );
    });
});

describe("what a Master holds of a source", () => {
    it("is as much after a stall as before it", () => {
        const before = Math.max(...between(ladder.held("studio"), 7, 8));
        const after = Math.max(...between(ladder.held("studio"), 11.5, 13));
        const again = Math.max(...between(ladder.held("studio"), 17, 20));
        expect(Math.abs(after - before)).toBeLessThan(0.2);
        expect(Math.abs(again - before)).toBeLessThan(0.2);
    });

    it("leaves 0.25 s at least when a line stalls for 3 s", () => {
        expect(Math.min(...between(ladder.held("studio"), 13, 18))).toBeGreaterThan(0.25);
        expect(Math.min(...between(lines.held("studio.peer8101"), 9, 13.5))).toBeGreaterThan(0.25);
    });

    it("stays level while a clock is slow or fast", () => {
        const slow = between(clocks.held("studio"), 30, 54);
        const fast = between(clocks.held("mobile"), 30, 54);
        // Without correction they would be empty, and at 2.6 s.
        expect(Math.min(...slow)).toBeGreaterThan(0);
        expect(Math.max(...fast)).toBeLessThan(2.1);
    });
});
