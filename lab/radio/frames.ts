/**
 * Cuts an MP3 or ADTS (AAC) stream into frames, to measure exactly how much audio arrived.
 *
 * Where Icecast switches between mounts, the stream breaks within a frame. Bytes divided by the bitrate would count the
 * broken frames as audio; a decoder that gets the raw bytes would lose too much (ffmpeg's ADTS parser about 0.3 s at each
 * joint, a careful player nothing). A player can play whole frames, each followed by the next one's header. Broken ones
 * are skipped and counted.
 */
export type Codec = "mp3" | "aac";

/** Whole frames that became complete, in stream order. */
export interface Frames {
    /** Bytes of the frames, without the skipped bytes between them. */
    data: Buffer;
    /** Playing time of the frames, in seconds. */
    seconds: number;
}

interface Header {
    bytes: number;
    seconds: number;
    /** Fields that stay the same within a stream; other values mean that these bytes are no header. */
    kind: number;
}

const headerBytes = 7;

const mp3Rates: Readonly<Record<number, readonly number[]>> = {
    3: [44100, 48000, 32000],
    2: [22050, 24000, 16000],
    0: [11025, 12000, 8000],
};
const mp3BitratesV1 = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const mp3BitratesV2 = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
const aacRates = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];

function mp3Header(data: Buffer, at: number): Header | undefined {
    const [b0 = 0, b1 = 0, b2 = 0] = data.subarray(at, at + 3);
    const version = (b1 >> 3) & 3;
    const isLayer3 = ((b1 >> 1) & 3) === 1;
    const rate = mp3Rates[version]?.[(b2 >> 2) & 3];
    const bitrate = (version === 3 ? mp3BitratesV1 : mp3BitratesV2)[b2 >> 4];
    if (b0 !== 0xff || b1 < 0xe0 || !isLayer3 || rate === undefined || !bitrate) {
        return undefined;
    }
    const samples = version === 3 ? 1152 : 576;
    const bytes = Math.floor(((samples / 8) * bitrate * 1000) / rate) + ((b2 >> 1) & 1);
    return { bytes, seconds: samples / rate, kind: ((b1 & 0xfe) << 8) | (b2 & 0x0c) };
}

function aacHeader(data: Buffer, at: number): Header | undefined {
    const [b0 = 0, b1 = 0, b2 = 0, b3 = 0, b4 = 0, b5 = 0, b6 = 0] = data.subarray(at, at + headerBytes);
    const rate = aacRates[(b2 >> 2) & 15];
    const bytes = ((b3 & 3) << 11) | (b4 << 3) | (b5 >> 5);
    if (b0 !== 0xff || (b1 & 0xf6) !== 0xf0 || rate === undefined || bytes <= headerBytes) {
        return undefined;
    }
    const blocks = (b6 & 3) + 1;
    return {
        bytes,
        seconds: (1024 * blocks) / rate,
        kind: ((b1 & 0xfe) << 16) | ((b2 & 0xfd) << 8) | (b3 & 0xc0),
    };
}

export class FrameCutter {
    /** Bytes that are part of no whole frame: at the stream's beginning, and broken frames at joints. */
    skippedBytes = 0;
    /** How often the stream broke after it had begun. */
    joints = 0;
    /** Playing time of all frames so far, in seconds. */
    seconds = 0;

    private rest: Buffer = Buffer.alloc(0);
    private kind: number | undefined;
    private inStep = false;

    constructor(private readonly codec: Codec) {}

    /** A new connection begins: the rest of the old one will never be complete. */
    restart(): void {
        this.skippedBytes += this.rest.length;
        this.rest = Buffer.alloc(0);
        this.inStep = false;
    }

    /** Takes the next bytes of the stream, and returns the frames that are now complete. */
    push(data: Buffer): Frames {
        const all = this.rest.length === 0 ? data : Buffer.concat([this.rest, data]);
        const whole: Buffer[] = [];
        let seconds = 0;
        let at = 0;
        for (;;) {
            const found = this.frameAt(all, at);
            if (found === "wait") {
                break;
            }
            if (found === "none") {
                at = this.skip(at);
                continue;
            }
            this.kind = found.kind;
            this.inStep = true;
            whole.push(all.subarray(at, at + found.bytes));
            seconds += found.seconds;
            at += found.bytes;
        }
        this.rest = Buffer.from(all.subarray(at));
        this.seconds += seconds;
        return { data: Buffer.concat(whole), seconds };
    }

    /**
     * A whole frame begins here only if another header follows it, which is not so for a broken one. Out of step, any two
     * bytes may look like a header, so two must follow.
     */
    private frameAt(data: Buffer, at: number): Header | "none" | "wait" {
        if (at + headerBytes > data.length) {
            return "wait";
        }
        const first = this.header(data, at);
        if (first === undefined || (this.inStep && first.kind !== this.kind)) {
            return "none";
        }
        let header = first;
        let next = at;
        for (let following = 0; following < (this.inStep ? 1 : 2); following++) {
            next += header.bytes;
            if (next + headerBytes > data.length) {
                return "wait";
            }
            const one = this.header(data, next);
            if (one === undefined || one.kind !== first.kind) {
                return "none";
            }
            header = one;
        }
        return first;
    }

    private header(data: Buffer, at: number): Header | undefined {
        return this.codec === "mp3" ? mp3Header(data, at) : aacHeader(data, at);
    }

    private skip(at: number): number {
        if (this.inStep) {
            this.joints++;
            this.inStep = false;
        }
        this.skippedBytes++;
        return at + 1;
    }
}
