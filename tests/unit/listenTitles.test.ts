import { IcyReader, type IcyPart } from "../../lab/radio/icy";

/** A block as a server sends it: its length in units of 16 bytes, the text, and zeros. */
function block(text: string): Buffer {
    const bytes = Buffer.from(text, "utf8");
    const whole = Buffer.alloc(1 + 16 * Math.ceil(bytes.length / 16));
    whole[0] = (whole.length - 1) / 16;
    bytes.copy(whole, 1);
    return whole;
}

/** The audio as a text, and every title with the number of bytes of audio before it. */
function read(parts: IcyPart[]): { audio: string; titles: [number, string][] } {
    let audio = "";
    const titles: [number, string][] = [];
    for (const part of parts) {
        if ("title" in part) {
            titles.push([audio.length, part.title]);
        } else {
            audio += part.audio.toString("latin1");
        }
    }
    return { audio, titles };
}

describe("titles in a stream", () => {
    const stream = Buffer.concat([
        Buffer.from("aaaa"),
        block("StreamTitle='Za\u017c\u00f3\u0142\u0107 \u5b57';StreamUrl='';"),
        Buffer.from("bbbb"),
        block(""),
        Buffer.from("cccc"),
        block("StreamTitle='It's';"),
        Buffer.from("dd"),
    ]);

    it.each([1, 3, 1400])("are taken out and keep their places when %s bytes come at a time", (piece) => {
        const reader = new IcyReader(4);
        const parts: IcyPart[] = [];
        for (let at = 0; at < stream.length; at += piece) {
            parts.push(...reader.push(stream.subarray(at, at + piece)));
        }
        expect(read(parts)).toEqual({
            audio: "aaaabbbbccccdd",
            titles: [
                [4, "Za\u017c\u00f3\u0142\u0107 \u5b57"],
                [12, "It's"],
            ],
        });
    });

    it("are shown as they came when they are not closed", () => {
        const reader = new IcyReader(1);
        expect(read(reader.push(Buffer.concat([Buffer.from("a"), block("StreamTitle='(n")]))).titles).toEqual(
            [[1, "StreamTitle='(n"]],
        );
    });

    it("are empty where the server says so", () => {
        const reader = new IcyReader(1);
        expect(read(reader.push(Buffer.concat([Buffer.from("a"), block("StreamTitle='';")]))).titles).toEqual(
            [[1, ""]],
        );
    });

    it("need a number of bytes between them", () => {
        expect(() => new IcyReader(Number("none"))).toThrow("is no number of bytes between titles");
    });
});
