import { emergencyShowsRole, type EmergencyShowsPlan } from "../../components/master/emergencyShows";
import { renderMaster } from "../../components/master/render";
import { masterPlan } from "../support/masterPlan";

const emergency: EmergencyShowsPlan = { bucket: "radio-test-shows", region: "eu-central-1", limitMiB: 1024 };
const withShows = renderMaster(masterPlan({ emergency }));
const without = renderMaster(masterPlan());

const content = (role: typeof withShows, path: string): string =>
    role.files.find((file) => file.path === path)?.content ?? "";

describe("a Master with emergency shows from the bucket", () => {
    it("gets the bucket, the channels and the limit, and never the key", () => {
        expect(JSON.parse(content(withShows, "/etc/aerial/emergency.json"))).toEqual({
            bucket: "radio-test-shows",
            region: "eu-central-1",
            limitBytes: 1_073_741_824,
            bytesPerSecond: 5_000_000,
            channels: ["main", "jazz"],
        });
        expect(content(withShows, "/etc/aerial/emergency/credentials")).toBe(
            "[shows]\naws_access_key_id = @{shows.reader.id}\naws_secret_access_key = @{shows.reader.secret}\n",
        );
    });

    it("looks for newer ones every ten minutes, or as often as told", () => {
        const timer = "/etc/systemd/system/aerial-emergency.timer";
        expect(withShows.units).toContain("aerial-emergency.timer");
        expect(content(withShows, timer)).toContain("\nOnUnitInactiveSec=10min\n");
        const often = renderMaster(masterPlan({ emergency: { ...emergency, everyMinutes: 1 } }));
        expect(content(often, timer)).toContain("\nOnUnitInactiveSec=1min\n");
    });

    it("plays only files that hold what their names say", () => {
        expect(content(withShows, "/etc/aerial/radio/main.liq")).toContain(
            'shows = playlist(id="emergency", mode="randomize", reload_mode="watch", prefix="intact:", emergency_folder)',
        );
    });
});

describe("a Master without", () => {
    it("is as it was: the folder is there for files that people put there", () => {
        expect(without.packages).not.toContain("python3-boto3");
        expect(without.units.filter((unit) => unit.includes("emergency"))).toEqual([]);
        expect(without.files.filter((file) => file.path.includes("emergency"))).toEqual([]);
        expect(content(without, "/etc/aerial/radio/main.liq")).toContain(
            'shows = playlist(id="emergency", mode="randomize", reload_mode="watch", emergency_folder)',
        );
        expect(content(without, "/etc/aerial/radio/main.liq")).not.toContain("intact");
    });
});

describe("emergency shows are refused", () => {
    it.each<[string, Partial<EmergencyShowsPlan>, string]>([
        ["a bucket that is none", { bucket: "Radio Shows" }, '"Radio Shows" is not the name of a bucket'],
        ["a region that is none", { region: "ams3" }, '"ams3" is not a region of Amazon'],
        ["half a MiB", { limitMiB: 0.5 }, "whole MiB and minutes above 0"],
        ["no time between two looks", { everyMinutes: 0 }, "whole MiB and minutes above 0"],
    ])("with %s", (_what, change, message) => {
        expect(() => emergencyShowsRole({ ...emergency, ...change }, ["main"])).toThrow(message);
    });
});
