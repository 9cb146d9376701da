import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/* The playlist's own Python: what a schedule means, and what is chosen by it. */

const modules = join(__dirname, "..", "..", "config-templates", "airtime", "playlist");

let volume: string;

beforeEach(() => {
    volume = mkdtempSync(join(tmpdir(), "aerial-airtime-"));
    for (const channel of ["main", "jazz"]) {
        mkdirSync(join(volume, "library", channel), { recursive: true });
    }
    mkdirSync(join(volume, "playout", "played"), { recursive: true });
    writeFileSync(
        join(volume, "airtime.json"),
        JSON.stringify({ volume, timeZone: "Europe/Berlin", channels: ["main", "jazz"], masters: [] }),
    );
});

afterEach(() => rmSync(volume, { recursive: true, force: true }));

/** Runs Python with the modules at hand and returns what it prints, as JSON. */
function python(script: string): unknown {
    const preamble = `
import datetime, json, random, sys
sys.dont_write_bytecode = True
sys.path.insert(0, ${JSON.stringify(modules)})
from airtime import library, rotation, schedule, settings
known = settings.load()
def at(text): return datetime.datetime.fromisoformat(text).replace(tzinfo=known.zone).timestamp()
def wall(moment): return None if moment is None else datetime.datetime.fromtimestamp(moment, known.zone).strftime("%a %d %H:%M")
def answer(value): print(json.dumps(value))
`;
    const told = execFileSync("python3", ["-c", preamble + script], {
        encoding: "utf8",
        env: { ...process.env, AERIAL_AIRTIME: join(volume, "airtime.json") },
        stdio: ["ignore", "pipe", "ignore"],
    });
    return JSON.parse(told);
}

/** What the checker says of a schedule, and its exit status. */
function check(text: string): { status: number; said: string } {
    writeFileSync(join(volume, "schedule.txt"), text);
    const program = readFileSync(join(modules, "aerial-schedule"), "utf8").replace(
        "/usr/local/lib/aerial",
        modules,
    );
    const script = join(volume, "aerial-schedule");
    writeFileSync(script, program);
    try {
        const said = execFileSync("python3", [script, "check"], {
            encoding: "utf8",
            env: { ...process.env, AERIAL_AIRTIME: join(volume, "airtime.json") },
            stdio: "pipe",
        });
        return { status: 0, said };
    } catch (error) {
        const failed = error as { status: number; stderr: string };
        return { status: failed.status, said: failed.stderr };
    }
}

function addShows(...paths: string[]): void {
    for (const path of paths) {
        const file = join(volume, "library", path);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, path);
    }
}

const week = `
# Comments and empty lines mean nothing.
mon-fri 06:00-09:00 morning/
fri 22:00-02:00 dance/
Sun 20:00 live/concert.flac
daily 07:30 news/

[jazz]
sat,sun 00:00-24:00 slow & blue/
`;

describe("a schedule", () => {
    it("is read with ranges, lists, nights and channels", () => {
        writeFileSync(join(volume, "schedule.txt"), week);
        const entries = python(`
entries = schedule.parse(open(known.schedule).read(), known.channels)
answer([[one.channel, list(one.days), one.start, one.end, one.target] for one in entries])`);
        expect(entries).toEqual([
            ["main", [0, 1, 2, 3, 4], 360, 540, "morning/"],
            ["main", [4], 1320, 1560, "dance/"],
            ["main", [6], 1200, null, "live/concert.flac"],
            ["main", [0, 1, 2, 3, 4, 5, 6], 450, null, "news/"],
            ["jazz", [5, 6], 0, 1440, "slow & blue/"],
        ]);
    });

    test.each([
        ["mun 06:00-09:00 morning/", /line 1: 'mun' is no day: use mon, tue/],
        ["mon 25:00 a.mp3", /line 1: 25:00 is no time: use 00:00 to 23:59/],
        ["mon 06:00-06:00 morning/", /ends when it starts: leave out the end/],
        ["mon 06:00-09:00 a.mp3", /plays to its end: leave out -09:00/],
        ["mon 06:00 /etc/passwd.mp3", /is no path in the library: use one such as/],
        ["mon 06:00 ../../etc/", /is no path in the library/],
        ["mon 06:00 notes.txt", /is neither a folder, which ends in \/, nor audio/],
        ["mon morning/", /is not understood: write it as/],
        ["[rock]\nmon 06:00 a.mp3", /line 1: \[rock\] is no channel: use \[main\], \[jazz\]/],
        [
            "mon 06:00 a.mp3\ndaily 06:00-07:00 b/",
            /line 2: starts on mon 06:00 as line 1 does: change or remove one/,
        ],
    ])("is refused with its line and the remedy: %s", (text, reason) => {
        const { status, said } = check(text);
        expect(status).toBe(1);
        expect(said).toMatch(reason);
        expect(said).toContain("the last good schedule stays in force");
    });

    it("is told all of its mistakes at once", () => {
        expect(check("mun 06:00 a.mp3\nmon 25:00 a.mp3\n").said).toMatch(/line 1: [^]*line 2: /);
    });

    it("is right with folders that hold no show yet, and the checker says which", () => {
        addShows("main/morning/one.mp3");
        const { status, said } = check(week);
        expect(status).toBe(0);
        expect(said).toContain("line 4: dance/ holds no show yet");
        expect(said).not.toContain("morning/ holds no show");
        expect(said).toContain("is right: 5 entries");
    });

    it("may come from any editor: with a byte-order mark, and lines that end in CR LF", () => {
        expect(check("\ufeffmon 06:00-09:00 morning/\r\n").status).toBe(0);
    });

    it("means wall-clock times of the station, through both changes of daylight saving", () => {
        const told = python(`
entries = schedule.parse("daily 02:30-04:00 night/", known.channels)
for_days = lambda day: [[wall(one.start), wall(one.end), (one.end - one.start) / 3600]
    for one in schedule.occurrences(entries, known.zone, at(day + " 00:00"), at(day + " 23:00"))]
answer([for_days("2026-03-28"), for_days("2026-03-29"), for_days("2026-10-25")])`);
        expect(told).toEqual([
            [["Sat 28 02:30", "Sat 28 04:00", 1.5]],
            // 02:30 does not exist that night.
            [["Sun 29 03:30", "Sun 29 04:00", 0.5]],
            [["Sun 25 02:30", "Sun 25 04:00", 2.5]],
        ]);
    });

    it("has the entry in force that began last, also past midnight", () => {
        const told = python(`
entries = schedule.parse("fri 22:00-02:00 dance/\\ndaily 00:00-06:00 night/\\nfri 23:00-23:30 guests/", known.channels)
def target(moment):
    found = schedule.in_force(entries, known.zone, at(moment))
    return found and found.entry.target
answer([target(moment) for moment in (
    "2026-11-20 21:59", "2026-11-20 22:00", "2026-11-20 23:15", "2026-11-20 23:30", "2026-11-21 01:00", "2026-11-21 06:00")])`);
        expect(told).toEqual([null, "dance/", "guests/", "dance/", "night/", null]);
    });
});

/** Eleven in the morning of a Friday. */
const friday = "2026-11-20 11:00";

describe("the rotation", () => {
    const rotation = (body: string) =>
        python(`
broken = set()
one = rotation.Rotation(known, "main", playable=lambda file: file.split("/library/main/")[1] not in broken, chance=random.Random(7))
path = lambda choice: choice and choice.path
${body}`);

    it("plays nothing twice until all has been played, and never the same twice in a row", () => {
        addShows(
            "main/a.mp3",
            "main/b.ogg",
            "main/deep/c.flac",
            "main/ü & “q”.mp3",
            "main/.hidden.mp3",
            "main/x.part",
        );
        const told = rotation(
            `answer([path(one.following(at("${friday}"))) for _ in range(12)])`,
        ) as string[];
        const rounds = [told.slice(0, 4), told.slice(4, 8), told.slice(8, 12)];
        for (const round of rounds) {
            expect([...round].sort()).toEqual(["a.mp3", "b.ogg", "deep/c.flac", "ü & “q”.mp3"].sort());
        }
        expect(told.filter((path, index) => path === told[index - 1])).toEqual([]);
    });

    it("has nothing with an empty library, and plays what arrives at the next call", () => {
        expect(rotation(`answer(path(one.following(at("${friday}"))))`)).toBeNull();
        addShows("main/new.mp3");
        expect(rotation(`answer(path(one.following(at("${friday}"))))`)).toBe("new.mp3");
    });

    it("plays the folder of the schedule for the moment when a show begins; the library where it is empty", () => {
        addShows("main/a.mp3", "main/morning/m.mp3");
        writeFileSync(join(volume, "schedule.txt"), "fri 10:00-12:00 morning/\nfri 12:00-14:00 noon/\n");
        const told = rotation(`
answer([sorted({path(one.following(at("2026-11-20 " + time))) for _ in range(5)}) for time in ("11:00", "13:00", "15:00")])`);
        expect(told).toEqual([["morning/m.mp3"], ["a.mp3", "morning/m.mp3"], ["a.mp3", "morning/m.mp3"]]);
    });

    it("finds names however a computer spells their letters", () => {
        addShows(`main/${"grüße".normalize("NFD")}/a.mp3`, "main/other.mp3");
        writeFileSync(join(volume, "schedule.txt"), `fri 10:00-12:00 ${"grüße".normalize("NFC")}/\n`);
        const told = rotation(`answer(path(one.following(at("${friday}"))))`) as string;
        expect(told.normalize("NFC")).toBe("grüße/a.mp3");
    });

    it("leaves out what cannot be decoded, until it changes", () => {
        addShows("main/a.mp3", "main/bad.mp3");
        const told = rotation(`
broken.add("bad.mp3")
heard = [path(one.following(at("${friday}"))) for _ in range(4)]
broken.clear()
open(known.library_of("main") + "/bad.mp3", "w").write("mended, and longer")
answer([sorted(set(heard)), sorted({path(one.following(at("${friday}"))) for _ in range(4)})])`);
        expect(told).toEqual([["a.mp3"], ["a.mp3", "bad.mp3"]]);
    });

    it("plays nothing, and does not fail, where nothing can be decoded", () => {
        addShows("main/bad.mp3");
        expect(rotation(`broken.add("bad.mp3"); answer(path(one.first(at("${friday}"))))`)).toBeNull();
    });

    it("announces a show once, shortly before its time; what it takes the turn of has not been heard", () => {
        addShows("main/a.mp3", "main/b.mp3", "main/live/c.mp3");
        writeFileSync(join(volume, "schedule.txt"), "fri 11:00 live/c.mp3\n");
        const told = rotation(`
one.chance.shuffle = lambda paths: paths.sort()
waiting = path(one.following(at("2026-11-20 10:59")))
told = [(lambda choice: choice and [choice.path, choice.start - at("${friday}")])(one.upcoming(at("${friday}") + late)) for late in (-30, -10, -5, 5)]
answer([told, waiting, json.load(open(one.state_file))["played"][""]])`);
        expect(told).toEqual([[null, ["live/c.mp3", 0], null, null], "a.mp3", []]);
    });

    it("begins an entry that was written a moment after its start", () => {
        addShows("main/a.mp3", "main/live/c.mp3");
        const told = rotation(`
one.first(at("2026-11-20 10:00"))
open(known.schedule, "w").write("fri 11:00 live/c.mp3")
answer([path(one.upcoming(at("${friday}") + late)) for late in (5, 60)])`);
        expect(told).toEqual(["live/c.mp3", null]);
    });

    it("joins a show that has begun where it would be, when the playout starts in its middle", () => {
        addShows("main/a.mp3", "main/live/c.mp3");
        writeFileSync(join(volume, "schedule.txt"), "fri 11:00 live/c.mp3\n");
        const told = rotation(`
library.probe = lambda file: {"seconds": 1800.0}
choice = lambda moment: (lambda one: [one.path, one.passed])(one.first(at(moment)))
answer([choice("2026-11-20 11:10"), one.first(at("2026-11-20 11:31")).passed])`);
        expect(told).toEqual([["live/c.mp3", 600], 0]);
    });

    it("goes by the last good schedule while the present one is wrong, also after a restart", () => {
        addShows("main/a.mp3", "main/morning/m.mp3");
        writeFileSync(join(volume, "schedule.txt"), "fri 10:00-12:00 morning/\n");
        const told = rotation(`
first = path(one.following(at("${friday}")))
open(known.schedule, "w").write("fri 10:00-12:00 oops")
again = rotation.Rotation(known, "main", playable=lambda file: True)
answer([first] + [path(again.following(at("${friday}"))) for _ in range(3)])`);
        expect(told).toEqual(Array(4).fill("morning/m.mp3"));
    });

    it("carries on when a power cut has torn what it remembered", () => {
        addShows("main/a.mp3");
        writeFileSync(join(volume, "playout", "main.json"), '{"played": {"": ["a.m');
        expect(rotation(`answer(path(one.following(at("${friday}"))))`)).toBe("a.mp3");
    });

    it("gives Liquidsoap a name in which nothing can end a value", () => {
        const told = rotation(`
answer(rotation.uri(known, "main", rotation.Choice('a"b,c:d #1%.mp3', start=5.0, passed=2.5, show='mon 06:00 "x"/')))`);
        expect(told).toBe(
            'annotate:aerial_path="main/a%22b%2Cc%3Ad%20%231%25.mp3",' +
                'aerial_show="mon%2006%3A00%20%22x%22/",aerial_start="5.000",liq_cue_in="2.500":' +
                `${volume}/library/main/a"b,c:d #1%.mp3`,
        );
    });
});
