import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
    existsSync,
    mkdirSync,
    mkdtempSync,
    readdirSync,
    readFileSync,
    rmSync,
    writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const programs = join(__dirname, "..", "..", "config-templates", "master", "emergency");

/** A show in the bucket of a test. Its audio is whatever is written; `bad` in it makes it unplayable. */
interface Show {
    content: string;
    /** When it was stored, in seconds. */
    modified: number;
    /** In place of the right one. */
    sha256?: string;
}

type Shows = Record<string, Show>;

interface Plan {
    limitBytes: number;
    channels: string[];
}

/**
 * Runs Python steps on a keeper in a folder of its own, with a bucket that is a dictionary: what is fetched is noted,
 * and from the request `away_at` on the bucket is away.
 */
const driver = `
import json, os, sys
sys.dont_write_bytecode = True
sys.path.insert(0, ${JSON.stringify(programs)})
import emergency_shows as it
import hashlib

given = json.load(sys.stdin)
said, fetched = [], []

class Bucket:
    def __init__(self):
        self.requests = 0

    def ask(self):
        self.requests += 1
        if given["awayAt"] is not None and self.requests > given["awayAt"]:
            raise it.Away("no route to host")

    def folders(self, prefix):
        self.ask()
        rest = [key[len(prefix):] for key in given["shows"] if key.startswith(prefix)]
        return sorted({prefix + one.split("/")[0] + "/" for one in rest if "/" in one})

    def objects(self, prefix):
        self.ask()
        return [
            it.Listed(key, len(show["content"].encode()), hashlib.md5(show["content"].encode()).hexdigest(), show["modified"])
            for key, show in sorted(given["shows"].items())
            if key.startswith(prefix)
        ]

    def fetch(self, key, file):
        fetched.append(key)
        show = given["shows"][key]
        if show["content"] == "gone":
            raise it.Gone(key)
        content = show["content"].encode()
        file.write(content[: len(content) // 2])
        file.flush()
        self.ask()
        file.write(content[len(content) // 2 :])
        return {"sha256": show.get("sha256", hashlib.sha256(content).hexdigest())}, "version-" + str(show["modified"])

def problem(path):
    with open(path, "rb") as file:
        return "FFmpeg cannot decode it" if b"bad" in file.read() else None

keeper = it.Keeper(given["home"], given["plan"], said.append, problem)
keeper.has_room = lambda size: not given["full"]
away = None
try:
    keeper.verify()
    keeper.refresh(Bucket())
except it.Away as reason:
    away = str(reason)
print(json.dumps({
    "said": said, "fetched": fetched, "away": away, "status": keeper.status(),
    "metrics": keeper.metrics(away is None, 1000, 2.5),
}))
`;

interface Result {
    said: string[];
    fetched: string[];
    away: string | null;
    metrics: string;
}

let home: string;

beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "aerial-emergency-"));
});

afterEach(() => {
    rmSync(home, { recursive: true });
});

const plan: Plan = { limitBytes: 30, channels: ["main", "jazz"] };

function run(shows: Shows, more: { awayAt?: number; plan?: Partial<Plan>; full?: boolean } = {}): Result {
    const { status, stdout, stderr } = spawnSync("/usr/bin/python3", ["-c", driver], {
        input: JSON.stringify({
            home,
            shows,
            plan: { ...plan, ...more.plan },
            awayAt: more.awayAt ?? null,
            full: more.full ?? false,
        }),
        encoding: "utf8",
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    return JSON.parse(stdout) as Result;
}

/** What a channel would play, as Liquidsoap finds it, oldest first. */
function playable(channel = "main"): string[] {
    const folder = join(home, channel);
    return existsSync(folder)
        ? readdirSync(folder)
              .sort()
              .map((name) => readFileSync(join(folder, name), "utf8"))
        : [];
}

const show = (content: string, modified = 1000): Show => ({ content, modified });
const ten = (mark: string) => mark.repeat(10).slice(0, 10);

const three: Shows = {
    "shows/2026/11/20/main/Früh.mp3": show(ten("old ")),
    "shows/2026/11/21/main/Night.mp3": show(ten("mid ")),
    "shows/2026/11/21/jazz/a/b.flac": show(ten("jazz")),
    "shows/2026/11/22/main/Night.MP3": show(ten("new ")),
};

describe("a Master's emergency shows", () => {
    it("are the newest of each channel that fit into the limit, under names that say what they hold", () => {
        const result = run({ ...three, "shows/2025/01/01/main/x.mp3": show(ten("ancient ")) });
        expect(playable()).toEqual([ten("old "), ten("mid "), ten("new ")]);
        expect(playable("jazz")).toEqual([ten("jazz")]);
        const hash = createHash("sha256").update(ten("new ")).digest("hex");
        expect(readdirSync(join(home, "main"))).toContain(`20261122.19700101T001640Z.${hash}.mp3`);
        expect(result.fetched).not.toContain("shows/2025/01/01/main/x.mp3");
        expect(readdirSync(join(home, ".incoming"))).toEqual([]);
    });

    it("are not fetched twice", () => {
        run(three);
        expect(run(three).fetched).toEqual([]);
    });

    it("make room for newer ones, the oldest first, once those are in place", () => {
        run(three);
        const result = run({ ...three, "shows/2026/11/23/main/n.ogg": show(ten("newest ")) });
        expect(result.fetched).toEqual(["shows/2026/11/23/main/n.ogg"]);
        expect(playable()).toEqual([ten("mid "), ten("new "), ten("newest ")]);
    });

    it("follow a show that was overwritten, and drop its old version", () => {
        run(three);
        run({ ...three, "shows/2026/11/22/main/Night.MP3": show("corrected", 2000) });
        expect(playable()).toEqual([ten("old "), ten("mid "), "corrected"]);
    });

    it("stay when somebody deletes them from the bucket, until newer ones need the room", () => {
        run(three);
        run({ "shows/2026/11/21/jazz/a/b.flac": show(ten("jazz")) });
        expect(playable()).toHaveLength(3);
        run({ "shows/2026/11/23/main/n.ogg": show(ten("newest ")) });
        expect(playable()).toEqual([ten("mid "), ten("new "), ten("newest ")]);
    });

    it.each<[string, Show, string]>([
        ["that cannot be decoded", show("bad audio!", 1), "FFmpeg cannot decode it"],
        [
            "that is not what its hash says",
            { ...show("tampered!!", 1), sha256: "0".repeat(64) },
            "it does not hold what its SHA-256 says",
        ],
        ["that has no hash", { ...show("somebody's", 1), sha256: "" }, "it carries no SHA-256"],
        ["that is larger than all may be", show("x".repeat(31), 1), "the limit of a channel"],
    ])("do not take the place of good ones for one %s, which is told and fetched once", (_what, bad, why) => {
        const shows = { ...three, "shows/2026/11/23/main/bad.mp3": bad };
        expect(run(shows).said.filter((line) => line.includes(why))).toHaveLength(1);
        expect(playable()).toEqual([ten("old "), ten("mid "), ten("new ")]);
        const again = run(shows);
        expect([again.fetched, again.said.filter((line) => line.includes(why))]).toEqual([[], []]);
        expect(again.metrics).toContain('aerial_emergency_refused_shows{channel="main"} 1');
        // A new version of it has its chance.
        run({ ...shows, "shows/2026/11/23/main/bad.mp3": show("mended", 3000) });
        expect(playable().at(-1)).toBe("mended");
    });

    it("leave aside what is no audio by its name", () => {
        const result = run({ ...three, "shows/2026/11/23/main/cover.jpg": show("picture") });
        expect(result.fetched).not.toContain("shows/2026/11/23/main/cover.jpg");
    });

    it("go from the disk when they have changed there, also while S3 is away, and come back", () => {
        run(three);
        const [first = ""] = readdirSync(join(home, "main"));
        writeFileSync(join(home, "main", first), ten("rot "));
        const result = run(three, { awayAt: 0 });
        expect(result.said[0]).toContain("has changed on the disk");
        expect(playable()).toEqual([ten("mid "), ten("new ")]);
        run(three);
        expect(playable()).toEqual([ten("old "), ten("mid "), ten("new ")]);
    });

    it.each([0, 2, 5, 7])(
        "stay whole when S3 goes away after %i requests, and are complete afterwards",
        (awayAt) => {
            const before = { "shows/2026/11/19/main/a.mp3": show(ten("before ")) };
            run(before);
            const result = run({ ...before, ...three }, { awayAt });
            expect(result.away === null || result.metrics.includes("aerial_emergency_s3_reached 0")).toBe(
                true,
            );
            const good = [...Object.values(three), ...Object.values(before)].map(({ content }) => content);
            expect(playable().length).toBeGreaterThan(0);
            expect(playable().every((content) => good.includes(content))).toBe(true);
            run({ ...before, ...three });
            expect(playable()).toEqual([ten("old "), ten("mid "), ten("new ")]);
        },
    );

    it("survive a lost memory of what is here, and a show that goes while it is fetched", () => {
        run(three);
        rmSync(join(home, ".state.json"));
        run({ ...three, "shows/2026/11/23/main/g.mp3": show("gone") });
        expect(playable()).toEqual([ten("old "), ten("mid "), ten("new ")]);
    });

    it("are not fetched onto a full disk", () => {
        run(three, { plan: { limitBytes: 10 } });
        expect(run(three, { full: true }).fetched).toEqual([]);
        expect(playable()).toEqual([ten("new ")]);
    });

    it("leave files alone that people put there", () => {
        mkdirSync(join(home, "main"));
        writeFileSync(join(home, "main", "by-hand.mp3"), "x".repeat(100));
        run(three);
        expect(playable()).toContain("x".repeat(100));
        expect(playable()).toHaveLength(4);
    });

    it("are searched for in a hundred days with shows, no more", () => {
        const day = (index: number) => `shows/${2000 + index}/01/01`;
        const many = Object.fromEntries(
            Array.from({ length: 120 }, (_, index) => [`${day(index)}/jazz/x.mp3`, show("j")]),
        );
        const early = { [`${day(5)}/main/early.mp3`]: show("early") };
        expect(run({ ...many, ...early }).fetched).not.toContain(`${day(5)}/main/early.mp3`);
        const late = { [`${day(50)}/main/late.mp3`]: show("late") };
        expect(run({ ...many, ...late }).fetched).toContain(`${day(50)}/main/late.mp3`);
    });

    it("are counted for Prometheus, by channel", () => {
        const { metrics } = run(three);
        expect(metrics).toContain('aerial_emergency_shows{channel="main"} 3\n');
        expect(metrics).toContain('aerial_emergency_bytes{channel="jazz"} 10\n');
        expect(metrics).toContain(
            `newest_show_timestamp_seconds{channel="main"} ${Date.UTC(2026, 10, 22) / 1000}`,
        );
        expect(metrics).toContain("aerial_emergency_s3_reached 1\n");
    });
});
