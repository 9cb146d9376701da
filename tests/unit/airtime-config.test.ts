import { z } from "zod";

import { airtimeChannels, airtimeSchema, refuseAirtimeMistakes } from "../../config/airtime";

/* `airtime` of a station's configuration, beside the parts that it is checked against. */

const named = z.object({ id: z.string() });
const station = z
    .object({
        channels: z.array(named),
        sources: z.array(z.object({ name: z.string() })),
        masters: z.array(named),
        airtime: airtimeSchema.optional(),
    })
    .superRefine(refuseAirtimeMistakes);

function parse(airtime: Record<string, unknown> | undefined, change: Record<string, unknown> = {}) {
    return station.safeParse({
        channels: [{ id: "main" }, { id: "jazz" }],
        sources: [{ name: "studio" }, { name: "airtime" }],
        masters: [{ id: "a" }, { id: "b" }],
        airtime: airtime && { region: "ams3", ...airtime },
        ...change,
    });
}

function mistakes(airtime: Record<string, unknown>, change: Record<string, unknown> = {}): string[] {
    const result = parse(airtime, change);
    return result.error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];
}

describe("airtime in the configuration", () => {
    it("needs only a region", () => {
        expect(parse({}).data?.airtime).toEqual({
            software: "playlist",
            region: "ams3",
            size: "s-2vcpu-2gb",
            volumeGiB: 100,
            source: "airtime",
        });
    });

    it("may be left out, for a station whose playout runs elsewhere", () => {
        expect(parse(undefined).success).toBe(true);
    });

    it("plays all channels, and with LibreTime the first, unless it names them", () => {
        const channels = (airtime: Record<string, unknown>) => {
            const { data } = parse(airtime);
            return data && airtimeChannels(data);
        };
        expect(channels({})).toEqual(["main", "jazz"]);
        expect(channels({ software: "libretime" })).toEqual(["main"]);
        expect(channels({ software: "libretime", channels: ["jazz"] })).toEqual(["jazz"]);
    });

    test.each([
        [{ software: "airtime" }, "airtime.software: use playlist or libretime"],
        [{ region: "atlantis1" }, /airtime\.region: use a DigitalOcean region: ams3/],
        [{ size: "huge" }, /airtime\.size: use a droplet size: s-1vcpu/],
        [{ volumeGiB: 5 }, "airtime.volumeGiB: use 10 to 16384 GiB"],
        [{ volumeGiB: 20_000 }, "airtime.volumeGiB: use 10 to 16384 GiB"],
        [{ volumeGiB: "100 GB" }, "airtime.volumeGiB: use a whole number of GiB, such as 100"],
        [{ source: "automation" }, "airtime.source: use a source of the station: studio, airtime"],
        [{ channels: ["rock"] }, "airtime.channels.0: use a channel of the station: main, jazz"],
        [{ channels: ["main", "main"] }, "airtime.channels.1: the list has it twice; name each channel once"],
        [{ channels: [] }, "airtime.channels: name at least one channel, or leave out the key"],
        [
            { software: "libretime", channels: ["main", "jazz"] },
            "airtime.channels: name one channel: LibreTime plays only one; playlist plays several",
        ],
    ])("is refused with the remedy: %j", (airtime, remedy) => {
        expect(mistakes(airtime)).toEqual([
            typeof remedy === "string" ? remedy : (expect.stringMatching(remedy) as string),
        ]);
    });

    it("is refused where LibreTime has fewer outputs than there are Masters", () => {
        const masters = ["a", "b", "c", "d"].map((id) => ({ id }));
        expect(mistakes({ software: "libretime" }, { masters })).toEqual([
            "airtime.software: use playlist: LibreTime pushes to 3 Masters at most, and there are 4",
        ]);
    });
});
