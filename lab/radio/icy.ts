/** What a stream with titles is made of, in its order: audio, and the titles between it. */
export type IcyPart = { audio: Buffer } | { title: string };

const quotedTitle = /StreamTitle='(.*?)';/s;

/**
 * Takes the titles out of a stream whose server answered with `icy-metaint`: after so many bytes of audio comes a block
 * of text, whose first byte is its length in units of 16 bytes. A length of 0 means that the title stays.
 */
export class IcyReader {
    private untilBlock: number;
    private block: Buffer = Buffer.alloc(0);

    constructor(private readonly interval: number) {
        if (!Number.isInteger(interval) || interval < 1) {
            throw new Error(`${interval} is no number of bytes between titles`);
        }
        this.untilBlock = interval;
    }

    /** Takes the next bytes, and returns the parts that they complete. */
    push(data: Buffer): IcyPart[] {
        const parts: IcyPart[] = [];
        let at = 0;
        while (at < data.length) {
            if (this.untilBlock > 0) {
                const audio = data.subarray(at, at + this.untilBlock);
                parts.push({ audio });
                this.untilBlock -= audio.length;
                at += audio.length;
                continue;
            }
            const length = 1 + 16 * (this.block[0] ?? data[at] ?? 0);
            const piece = data.subarray(at, at + length - this.block.length);
            this.block = Buffer.concat([this.block, piece]);
            at += piece.length;
            if (this.block.length === length) {
                parts.push(...titleOf(this.block.subarray(1)));
                this.block = Buffer.alloc(0);
                this.untilBlock = this.interval;
            }
        }
        return parts;
    }
}

/** The title of a block; none of an empty one. A block that says something else is given as it is, so that it is noticed. */
function titleOf(block: Buffer): { title: string }[] {
    const end = block.indexOf(0);
    const text = block.subarray(0, end < 0 ? block.length : end).toString("utf8");
    return text === "" ? [] : [{ title: quotedTitle.exec(text)?.[1] ?? text }];
}
