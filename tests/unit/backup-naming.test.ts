import { spawnSync } from "node:child_process";
import { join } from "node:path";

import fc from "fast-check";

const templates = join(__dirname, "..", "..", "config-templates");

/** Calls functions of the programs on the machine, each `[module, name, ...arguments]`: their results, or errors. */
function call<T = unknown>(...calls: unknown[][]): T[] {
    const program = `
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
def call(module, name, *given):
    try:
        return getattr(importlib.import_module("backup." + module), name)(*given)
    except Exception as reason:
        return {"error": str(reason)}
json.dump([call(*one) for one in json.load(sys.stdin)], sys.stdout)
`;
    const result = spawnSync("python3", ["-B", "-c", program, templates], {
        input: JSON.stringify(calls),
        encoding: "utf8",
    });
    if (result.status !== 0) {
        throw new Error(result.stderr);
    }
    return JSON.parse(result.stdout) as T[];
}

const naming = (name: string, ...given: unknown[]) => ["naming", name, ...given];
const second = 1_000_000_000;
/** 2026-11-22T23:00:00Z */
const evening = 1_795_388_400;

describe("names in the buckets", () => {
    it("a show's key is its day, channel and path, readable as they are", () => {
        expect(call(naming("show_key", "main", "Größe & Ä/it's 100%.mp3", evening * second))).toEqual([
            "shows/2026/11/22/main/Größe & Ä/it's 100%.mp3",
        ]);
    });

    it("a key leads back to the channel and the path, whatever the name", () => {
        const name = fc
            .string({ unit: "grapheme", minLength: 1, maxLength: 20 })
            .filter((text) => !/[/\p{Cc}\p{Cs}]/u.test(text) && ![".", ".."].includes(text));
        const paths = fc.sample(fc.array(name, { minLength: 1, maxLength: 4 }), 200).map((p) => p.join("/"));
        const keys = call<string>(...paths.map((path) => naming("show_key", "main", path, evening * second)));
        expect(call(...keys.map((key) => naming("parse_show_key", key)))).toEqual(
            paths.map((path) => ["main", path]),
        );
    });

    it("a key that would lead out of the folder of a restore is none", () => {
        const keys = ["../../etc/passwd", "main/../../x.mp3", "main//x.mp3", "./x.mp3", "main/a\nb.mp3"].map(
            (path) => `shows/2026/11/22/${path}`,
        );
        expect(call(...[...keys, "else/x.mp3"].map((key) => naming("parse_show_key", key)))).toEqual(
            Array(6).fill(null),
        );
    });

    it("metadata is ASCII, and complete as long as S3 takes it", () => {
        const [short, long] = call<Record<string, string>>(
            naming("show_metadata", "main", "a b/é%.mp3", evening * second + second / 2, "00", evening),
            naming("show_metadata", "main", `${"日".repeat(300)}.mp3`, evening * second, "00", evening),
        );
        expect(short).toEqual({
            sha256: "00",
            channel: "main",
            path: "a%20b/%C3%A9%25.mp3",
            mtime: "2026-11-22T23:00:00.500000000Z",
            uploaded: "2026-11-22T23:00:00Z",
        });
        expect(Object.keys(long ?? {})).not.toContain("path");
    });

    it("times survive to the nanosecond", () => {
        const times = fc
            .sample(fc.integer({ min: 0, max: 4_000_000_000 }), 50)
            .map((time) => time * 1_000_003);
        const texts = call<string>(...times.map((time) => naming("rfc3339_ns", time)));
        expect(call(...texts.map((text) => naming("parse_rfc3339_ns", text)))).toEqual(times);
    });

    it("names that cannot be kept are refused with a remedy", () => {
        const [control, long, fine] = call<string | null>(
            naming("why_unusable", "main", "a\u0007.mp3"),
            naming("why_unusable", "main", `${"ä".repeat(520)}.mp3`),
            naming("why_unusable", "main", "ä.mp3"),
        );
        expect(control).toContain("control character");
        expect(long).toContain("bytes too long for S3");
        expect(fine).toBeNull();
    });

    it("shows are audio by their ending; hidden, partial and temporary files are none", () => {
        const paths = [
            "a.mp3",
            "b/C.FLAC",
            "x.opus",
            ".a.mp3",
            ".b/a.mp3",
            "a.mp3.part",
            "a.tmp",
            "notes.txt",
        ];
        expect(call(...paths.map((path) => naming("is_show", path)))).toEqual([
            ...[true, true, true],
            ...[false, false, false, false, false],
        ]);
    });
});

describe("as of a time", () => {
    const key = (path: string, day = "22") => `shows/2026/11/${day}/main/${path}`;
    const version = (name: string, uploadedAt: number, size: number) => ({ key: name, uploadedAt, size });
    /** Sizes of what shows_as_of chooses, for each case of versions and a time. */
    const sizes = (...cases: { versions: unknown[]; at?: number }[]) => {
        const program = `
import json, sys
sys.path.insert(0, sys.argv[1])
from backup import naming
def sizes(case):
    chosen = naming.shows_as_of(case["versions"], case.get("at"))
    return {"/".join(show): version["size"] for show, version in chosen.items()}
json.dump([sizes(case) for case in json.load(sys.stdin)], sys.stdout)`;
        const result = spawnSync("python3", ["-B", "-c", program, templates], {
            input: JSON.stringify(cases),
            encoding: "utf8",
        });
        return JSON.parse(result.stdout) as unknown;
    };

    it("a show is its newest version until then, and absent before its first", () => {
        const versions = [
            version(key("a.mp3"), 300, 3),
            version(key("a.mp3"), 200, 2),
            version(key("a.mp3"), 100, 1),
            version(key("b.mp3"), 250, 9),
            version("shows/else", 1, 1),
        ];
        expect(
            sizes({ versions }, { versions, at: 299 }, { versions, at: 200 }, { versions, at: 99 }),
        ).toEqual([
            { "main/a.mp3": 3, "main/b.mp3": 9 },
            { "main/a.mp3": 2, "main/b.mp3": 9 },
            { "main/a.mp3": 2 },
            {},
        ]);
    });

    it("of two versions in one second it is the one that S3 lists first, and of two keys the newer", () => {
        const same = [version(key("a.mp3"), 5, 2), version(key("a.mp3"), 5, 1)];
        const moved = [version(key("a.mp3"), 5, 2), version(key("a.mp3", "23"), 6, 1)];
        expect(sizes({ versions: same }, { versions: moved })).toEqual([
            { "main/a.mp3": 2 },
            { "main/a.mp3": 1 },
        ]);
    });

    it("the dump is the newest that was begun by then", () => {
        const keys = [
            "database/2026/11/22/20261122T220000Z.dump.age",
            "database/2026/11/22/20261122T230000Z.dump.age",
            "database/2026/11/22/else",
        ];
        expect(
            call(
                naming("newest_archive", "database", keys),
                naming("newest_archive", "database", keys, evening - 1),
                naming("newest_archive", "database", keys, evening - 7200),
                naming("archive_key", "database", evening),
            ),
        ).toEqual([keys[1], keys[0], null, keys[1]]);
    });

    it("a time without a zone is local, and what is none is refused with an example", () => {
        expect(
            call(
                naming("parse_time", "2026-11-22T23:00:00Z"),
                naming("parse_time", "2026-11-23T00:00:00+01:00"),
                naming("parse_time", "yesterday"),
            ),
        ).toEqual([evening, evening, { error: expect.stringContaining("write 2026-11-22T23:00:00Z") }]);
    });

    it("a pattern finds a show however its ä is written", () => {
        const matches = (pattern: string, path: string, channel?: string) =>
            naming("chosen", "main", path, pattern, channel ?? null);
        expect(
            call(
                matches("*Größe*", "Gro\u0308ße.mp3"),
                matches("main/*", "a.mp3"),
                matches("a.*", "b.mp3"),
                matches("*", "a.mp3", "second"),
            ),
        ).toEqual([true, true, false, false]);
    });
});

describe("the rows of a dump", () => {
    it("are told as S3 takes them, and any loss of them is found", () => {
        const many = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`table_number_${n}`, n]));
        const [metadata] = call<Record<string, string>>(["archive", "rows_metadata", many]);
        expect(JSON.stringify(metadata).length).toBeLessThan(1900);
        const [same, fewer, small] = call<string[]>(
            ["archive", "differing_rows", metadata, many],
            ["archive", "differing_rows", metadata, { ...many, table_number_199: 198 }],
            ["archive", "differing_rows", metadata, { ...many, table_number_1: 0 }],
        );
        expect(same).toEqual([]);
        expect(fewer).toContain("table_number_199 has 198 rows, not 199");
        expect(small).toEqual(["19899 rows in 200 tables, not 19900 in 200"]);
    });
});
