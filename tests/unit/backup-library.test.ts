import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const templates = join(__dirname, "..", "..", "config-templates");

let root: string;

beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "aerial-backup-"));
});

afterEach(() => rmSync(root, { recursive: true }));

/** Runs Python with the machine's modules at hand; what it prints, as JSON. */
function python(program: string): unknown {
    const lines = [
        "import json, os, sys, types",
        "sys.path.insert(0, sys.argv[1])",
        "root = sys.argv[2]",
        "from backup import library, records, results, settings",
        program,
    ];
    const result = spawnSync("python3", ["-B", "-c", lines.join("\n"), templates, root], {
        encoding: "utf8",
    });
    if (result.status !== 0) {
        throw new Error(result.stderr);
    }
    return JSON.parse(result.stdout);
}

function put(path: string, content = "x"): void {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
}

describe("the library", () => {
    it("is all shows below it, without hidden, partial and other files", () => {
        const shows = ["a.mp3", "Größe/b c.FLAC", "Größe/日本/d.wav"];
        for (const path of [...shows, "notes.txt", "e.mp3.part", "f.tmp", ".g.mp3", ".h/i.mp3"]) {
            put(path);
        }
        expect(
            python(`print(json.dumps(sorted(show.path for show in library.scan([("main", root)]))))`),
        ).toEqual(shows.toSorted());
    });

    it("names what cannot be kept: links, and names that are no text", () => {
        put("a.mp3");
        symlinkSync(join(root, "a.mp3"), join(root, "link.mp3"));
        expect(
            python(`
open(os.path.join(os.fsencode(root), b"\\xff.mp3"), "w").close()
shows = library.scan([("main", root)])
print(json.dumps({show.path: show.unusable for show in shows}))`),
        ).toEqual({
            "a.mp3": null,
            "link.mp3": expect.stringContaining("put the file itself there"),
            "\\udcff.mp3": "its name is not UTF-8: rename it",
        });
    });

    it("is an error when its disk is not there, never an empty one", () => {
        expect(
            python(`
try:
    library.scan([("main", root + "/gone")])
except settings.Failed as reason:
    print(json.dumps(str(reason)))`),
        ).toContain("is its disk mounted?");
    });

    it("holds a show complete once it is as it was, for as long as nobody touches it or the clock goes back", () => {
        expect(
            python(`
show = library.Show("main", "a.mp3", "", 5, 7)
seen = [None, (5, 7, 90), (4, 7, 90), (5, 6, 90), (5, 7, 110)]
print(json.dumps([library.quiet_since(one, show, 100) for one in seen]))`),
        ).toEqual([100, 90, 100, 100, 100]);
    });

    it("does not take a show that is being written, or has changed since it was seen", () => {
        put("a.mp3");
        expect(
            python(`
def verdict(show):
    try:
        library.opened(show).close()
        return "complete"
    except library.Unfinished as reason:
        return str(reason)
show, = library.scan([("main", root)])
verdicts = [verdict(show)]
with open(show.file, "a") as writer:
    verdicts.append(verdict(show))
    writer.write("y")
verdicts.append(verdict(show))
os.unlink(show.file)
verdicts.append(verdict(show))
print(json.dumps(verdicts))`),
        ).toEqual(["complete", "it is being written", "it has just been changed", "it has gone"]);
    });
});

describe("the records", () => {
    const begin = `
given = types.SimpleNamespace(state=root)
book = records.Records(given)
show = library.Show("main", "a.mp3", "", 5, 7)
`;

    it("say a show is safe for the content that was put, and for no other", () => {
        expect(
            python(`${begin}
book.saw(show, 1)
book.keep(show, "shows/2026/11/22/main/a.mp3", "00", "v1", 10, 5)
again = records.Records(given)
other = library.Show("main", "a.mp3", "", 5, 8)
print(json.dumps([again.is_safe(show), again.is_safe(other), len(again.waiting), again.manifest()]))`),
        ).toEqual([
            true,
            false,
            0,
            [
                {
                    path: "a.mp3",
                    channel: "main",
                    key: "shows/2026/11/22/main/a.mp3",
                    versionId: "v1",
                    size: 5,
                    sha256: "00",
                    mtime: "1970-01-01T00:00:00.000000007Z",
                    uploadedAt: "1970-01-01T00:00:10Z",
                },
            ],
        ]);
    });

    it("keep the first key of a show, and believe in no content, after they were made from the bucket", () => {
        expect(
            python(`${begin}
key = "shows/2020/01/01/main/a.mp3"
book.learn_keys([key], [])
print(json.dumps([book.shows[show.id]["key"] == key, book.is_safe(show), book.manifest()]))`),
        ).toEqual([true, false, []]);
    });

    it("are made again when the file is broken", () => {
        writeFileSync(
            join(root, "shows.sqlite"),
            "this is no database, it is a text of some length".repeat(100),
        );
        expect(python(`${begin}\nprint(json.dumps(book.fact("known since")))`)).toBeNull();
    });

    it("wait longer after each failure of a show, and not at all once it is another", () => {
        expect(
            python(`${begin}
import time
book.saw(show, 1)
delays = []
for _ in range(8):
    book.fail(show, "no")
    delays.append(round(book.waiting[show.id]["retry_at"] - time.time()))
book.saw(library.Show("main", "a.mp3", "", 6, 7), 2)
print(json.dumps([delays, book.waiting[show.id]["retry_at"]]))`),
        ).toEqual([[15, 30, 60, 120, 240, 480, 600, 600], 0]);
    });
});

describe("results", () => {
    it("are metrics that Prometheus reads, the last success kept through a failure", () => {
        const text = python(`
results.METRICS = root + "/metrics"
given = types.SimpleNamespace(state=root)
with results.recorded(given, "audit") as run:
    run.figures = {"shows": 3, "bytes": 7, "problems": {"not on disk": 0}}
try:
    with results.recorded(given, "audit") as run:
        run.figures = {"problems": {"not on disk": 1}}
        raise settings.Failed("found 1")
except settings.Failed:
    pass
print(json.dumps(open(root + "/metrics/aerial-backup-audit.prom").read()))`) as string;
        const lines = text.trimEnd().split("\n");
        expect(lines.filter((line) => !line.startsWith("#"))).toEqual([
            "aerial_backup_audit_healthy 0",
            expect.stringMatching(/^aerial_backup_audit_last_run_timestamp_seconds \d{10}$/),
            expect.stringMatching(/^aerial_backup_audit_last_success_timestamp_seconds \d{10}$/),
            expect.stringMatching(/^aerial_backup_audit_duration_seconds \d/),
            "aerial_backup_audit_shows 3",
            "aerial_backup_audit_bytes 7",
            'aerial_backup_audit_problems{kind="not on disk"} 1',
        ]);
        expect(lines.filter((line) => line.startsWith("# TYPE"))).toHaveLength(7);
    });
});
