import { parse } from "yaml";

import { libraryFolder } from "../../components/airtime/plan";
import { renderAirtime } from "../../components/airtime/render";
import { readsFile, type MachineRole } from "../../components/machine/role";
import { airtimePlan, libretimePlan } from "../support/airtimePlan";

const backup = {
    region: "eu-central-1",
    showsBucket: "radio-test-shows",
    archiveBucket: "radio-test-archive",
    recipient: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2Jd0Yk0xkOZmeq3P1hCMxgL3Fk1gBkL0hJ0V1o7u3m",
};

function content(role: Pick<MachineRole, "files">, path: string): string {
    const found = role.files.find((file) => file.path === path);
    if (!found) {
        throw new Error(`the role has no ${path}`);
    }
    return found.content;
}

/** Units that read a file when they start or are reloaded. */
function readersOf({ services }: MachineRole, path: string): string[] {
    return services.filter((service) => readsFile(service, path)).map(({ unit }) => unit);
}

describe("Airtime's machine with a playlist", () => {
    const role = renderAirtime(airtimePlan({ backup }));

    it("pushes every channel to every Master, as the source that it is", () => {
        const script = content(role, "/etc/aerial/playout/jazz.liq");
        expect(script).toContain('mount = ("/jazz-airtime")');
        expect(script).toContain('push_user = ("airtime")');
        expect(script).toContain('push(id="a", host="198.19.0.1", port=8000)');
        expect(script).toContain('push(id="b", host="198.19.0.2", port=8000)');
        expect(script).toContain("%mp3(bitrate=320,");
    });

    it("has passwords as placeholders only, in files of their own", () => {
        const passwords = role.files.filter(({ path }) => path.endsWith(".password"));
        expect(passwords).toEqual(
            ["main", "jazz"].map((channel) => ({
                path: `/etc/aerial/playout/${channel}.password`,
                secretFormat: "raw",
                content: `@{source.${channel}.airtime}\n`,
                owner: "root:liquidsoap",
                mode: "0640",
            })),
        );
        expect(readersOf(role, "/etc/aerial/playout/main.password")).toEqual([]);
    });

    it("has shows and database on the volume, and Debian's own cluster asleep", () => {
        expect(content(role, "/etc/systemd/system/aerial-postgresql.service")).toContain(
            '-D "/mnt/aerial_test_airtime/postgresql/17"',
        );
        expect(content(role, "/etc/systemd/system/aerial-volume.service")).toContain(
            'ExecStart=/usr/local/lib/aerial/volume "aerial-test-airtime" "/mnt/aerial_test_airtime"\n' +
                'ExecStart=/usr/local/lib/aerial/prepare "/mnt/aerial_test_airtime" "main" "jazz"\n',
        );
        expect(libraryFolder(airtimePlan(), "jazz")).toBe("/mnt/aerial_test_airtime/library/jazz");
        expect(role.maskedUnits).toEqual(
            expect.arrayContaining(["postgresql.service", "postgresql@17-main.service"]),
        );
    });

    it("starts with a schedule of comments, with a part for each channel", () => {
        const schedule = content(role, "/usr/local/share/aerial/schedule.txt");
        const lines = schedule.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
        expect(lines).toEqual(["[main]", "[jazz]"]);
        expect(schedule).toContain("The week of Radio Test.");
        expect(schedule).toContain("Europe/Berlin");
    });

    it("backs up every library, the database and the schedule", () => {
        expect(JSON.parse(content(role, "/etc/aerial/backup.json"))).toMatchObject({
            ...backup,
            libraries: [
                { channel: "main", path: "/mnt/aerial_test_airtime/library/main" },
                { channel: "jazz", path: "/mnt/aerial_test_airtime/library/jazz" },
            ],
            database: { name: "airtime", command: ["runuser", "-u", "postgres", "--"] },
            configuration: ["/mnt/aerial_test_airtime/schedule.txt", "/etc/aerial/airtime.json"],
        });
        const without = renderAirtime(airtimePlan());
        const named = [...without.files.map(({ path }) => path), ...without.units];
        expect(named.filter((name) => name.includes("backup"))).toEqual([]);
    });

    it("writes each file once, and enables only units that it has", () => {
        const paths = role.files.map((file) => file.path);
        expect(new Set(paths).size).toBe(paths.length);
        const missing = role.units.filter(
            (unit) =>
                !paths.includes(`/etc/systemd/system/${unit}`) &&
                !paths.includes(`/etc/systemd/system/${unit.replace(/@[^.]*/, "@")}`),
        );
        expect(missing).toEqual([]);
    });
});

describe("Airtime's machine with LibreTime", () => {
    const role = renderAirtime(libretimePlan({ backup }));

    it("backs up what LibreTime imported, by the names its database has", () => {
        expect(JSON.parse(content(role, "/etc/aerial/backup.json"))).toMatchObject({
            libraries: [{ channel: "main", path: "/mnt/aerial_test_airtime/libretime/storage/imported" }],
            database: { name: "libretime", command: expect.arrayContaining(["PGUSER=libretime"]) as unknown },
        });
    });

    it("asks nothing of a unit but LibreTime for a new password, and of it a reload", () => {
        const withSecrets = role.files.filter(({ secretFormat }) => secretFormat !== undefined);
        const readers = withSecrets.flatMap(({ path }) => readersOf(role, path));
        expect([...new Set(readers)]).toEqual(["aerial-libretime.service"]);
        for (const name of ["compose.yml", "config/config.yml"]) {
            expect(readersOf(role, `/etc/aerial/libretime/${name}`)).toHaveLength(1);
        }
        expect(role.services).toContainEqual(
            expect.objectContaining({ unit: "aerial-libretime.service", onChange: "reload" }),
        );
    });

    it("has its configuration in YAML, with placeholders that nothing quotes twice", () => {
        const config = content(role, "/etc/aerial/libretime/config/config.yml");
        expect(config).toContain("source_password: @{source.main.airtime}\n");
        expect(config).not.toMatch(/"@\{/);
        const filled = config.replace(/@\{([^}]*)\}/g, (_, name: string) => JSON.stringify(name));
        expect(parse(filled)).toMatchObject({ database: { password: "local.libretime-database" } });
    });
});

describe("a plan for Airtime", () => {
    test.each([
        [
            "a channel whose id is not an identifier",
            { channels: [{ id: "Main!", title: "", formats: [] }] },
            /identifier/,
        ],
        ["a volume's name that the cloud refuses", { volumeName: "Shows" }, /volume's name/],
        ["no Master", { masters: [] }, /a Master to push to/],
        [
            "a Master nowhere",
            { masters: [{ id: "a", host: "a b", port: 8000 }] },
            /is not the address of Master a/,
        ],
        ["a time zone that could end a line", { timeZone: "UTC\nx" }, /is not a time zone/],
        ["two channels for LibreTime", { software: "libretime" as const }, /LibreTime plays one channel/],
        ["a title that asks for a secret", { stationName: "@{relay.link}" }, /placeholder/],
    ])("is refused with %s", (_, change, reason) => {
        expect(() => renderAirtime(airtimePlan(change))).toThrow(reason);
    });

    it("is refused with more Masters than LibreTime has outputs", () => {
        const masters = ["a", "b", "c", "d"].map((id) => ({ id, host: "198.19.0.1", port: 8000 }));
        expect(() => renderAirtime(libretimePlan({ masters }))).toThrow(/3 Masters at most/);
    });
});
