import { parse } from "yaml";

import { roleWithBulk } from "../../components/machine/bulk";
import { renderCloudConfig, userDataLimitBytes } from "../../components/machine/cloudConfig";
import { libraryFolder } from "../../components/airtime/plan";
import { renderAirtime } from "../../components/airtime/render";
import type { MachineRole } from "../../components/machine/role";
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

interface Manifest {
    target: string;
    template: string;
    format: string;
    mode: string;
    reload: string[];
}

const manifest = (role: MachineRole): Manifest[] =>
    JSON.parse(content(role, "/etc/aerial/templates/manifest.json")) as Manifest[];

describe("Airtime's machine with a playlist", () => {
    const { role, bulk } = renderAirtime(airtimePlan({ backup }));

    it("pushes every channel to every Master, as the source that it is", () => {
        const script = content(role, "/etc/aerial/playout/jazz.liq");
        expect(script).toContain('mount = ("/jazz-airtime")');
        expect(script).toContain('push_user = ("airtime")');
        expect(script).toContain('push(id="a", host="198.19.0.1", port=8000)');
        expect(script).toContain('push(id="b", host="198.19.0.2", port=8000)');
        expect(script).toContain("%mp3(bitrate=320,");
    });

    it("keeps passwords out of its user data, and in files of their own", () => {
        expect(manifest(role).filter(({ target }) => target.startsWith("/etc/aerial/playout/"))).toEqual([
            expect.objectContaining({ target: "/etc/aerial/playout/main.password", mode: "0640" }),
            expect.objectContaining({ target: "/etc/aerial/playout/jazz.password", mode: "0640" }),
        ]);
        expect(content(role, "/etc/aerial/templates/main.password")).toBe("@{source.main.airtime}\n");
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
        expect(JSON.parse(content(bulk, "/etc/aerial/backup.json"))).toMatchObject({
            ...backup,
            libraries: [
                { channel: "main", path: "/mnt/aerial_test_airtime/library/main" },
                { channel: "jazz", path: "/mnt/aerial_test_airtime/library/jazz" },
            ],
            database: { name: "airtime", command: ["runuser", "-u", "postgres", "--"] },
            configuration: ["/mnt/aerial_test_airtime/schedule.txt", "/etc/aerial/airtime.json"],
        });
        expect(renderAirtime(airtimePlan()).bulk).toEqual({ files: [], units: [] });
    });

    it("writes each file once, and enables only units that it has", () => {
        const paths = [...role.files, ...bulk.files].map((file) => file.path);
        expect(new Set(paths).size).toBe(paths.length);
        const missing = [...role.units, ...bulk.units].filter(
            (unit) =>
                !paths.includes(`/etc/systemd/system/${unit}`) &&
                !paths.includes(`/etc/systemd/system/${unit.replace(/@[^.]*/, "@")}`),
        );
        expect(missing).toEqual([]);
    });

    it.each([airtimePlan, libretimePlan])(
        "has a good part of its user data left, since the backup's programs do not travel in it",
        (plan) => {
            const machine = renderAirtime(plan({ backup }));
            const text = renderCloudConfig(
                {
                    hostname: "airtime",
                    authorizedKeys: [`ssh-ed25519 ${"A".repeat(68)} engineer`],
                    enrolHostKey: "key\n",
                    role: roleWithBulk(machine.role, machine.bulk).role,
                },
                userDataLimitBytes.digitalOcean,
            );
            expect(Buffer.byteLength(text)).toBeLessThan(userDataLimitBytes.digitalOcean * 0.65);
        },
    );
});

describe("Airtime's machine with LibreTime", () => {
    const { role, bulk } = renderAirtime(libretimePlan({ backup }));

    it("backs up what LibreTime imported, by the names its database has", () => {
        expect(JSON.parse(content(bulk, "/etc/aerial/backup.json"))).toMatchObject({
            libraries: [{ channel: "main", path: "/mnt/aerial_test_airtime/libretime/storage/imported" }],
            database: { name: "libretime", command: expect.arrayContaining(["PGUSER=libretime"]) as unknown },
        });
    });

    it("restarts nothing but LibreTime for a new password", () => {
        const reloads = manifest(role).filter(({ reload }) => reload.length > 0);
        expect(reloads.map(({ target, reload }) => [target, reload])).toEqual([
            ["/etc/aerial/libretime/compose.yml", ["aerial-libretime.service"]],
            ["/etc/aerial/libretime/config/config.yml", ["aerial-libretime.service"]],
        ]);
    });

    it("has its templates in YAML, with placeholders that nothing quotes twice", () => {
        const config = content(role, "/etc/aerial/templates/config.yml");
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
