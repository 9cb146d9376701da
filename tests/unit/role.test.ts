import { readdirSync } from "node:fs";
import { join } from "node:path";

import { renderAirtime } from "../../components/airtime/render";
import { canaryRole } from "../../components/canary/render";
import { baseRole, enrolledRole } from "../../components/machine/base";
import { programFolder } from "../../components/machine/files";
import { mergeRoles, readsFile, type MachineRole } from "../../components/machine/role";
import { renderMaster } from "../../components/master/render";
import { renderRelay } from "../../components/relayPool/render";
import { airtimePlan, libretimePlan } from "../support/airtimePlan";
import { masterPlan } from "../support/masterPlan";
import { relayPlan } from "../support/relayPlan";

describe("roles put together", () => {
    const part = (change: Partial<MachineRole>): MachineRole => ({
        ...{ packages: [], files: [], units: [], services: [], maskedUnits: [] },
        ...change,
    });

    it("write a file once that several of them need, and ask for a package once", () => {
        const file = { path: "/usr/local/lib/aerial/files.py", content: "shared", mode: "0644" };
        const role = mergeRoles(
            part({ packages: ["nginx", "curl"], files: [file], units: ["a.service"] }),
            part({ packages: ["curl", "age"], files: [{ ...file }], units: ["b.timer"] }),
        );
        expect(role).toEqual(
            part({
                packages: ["age", "curl", "nginx"],
                files: [file],
                units: ["a.service", "b.timer"],
            }),
        );
    });

    it("are refused when two of them write different files to the same path", () => {
        const [file] = enrolledRole([]).files;
        const other = part({ files: [{ ...file!, content: "other" }] });
        expect(() => mergeRoles(enrolledRole([]), other)).toThrow(
            "two parts of the role both write /etc/ssh/sshd_config.d/00-aerial.conf, and not the same",
        );
    });
});

const backup = {
    region: "eu-central-1",
    showsBucket: "radio-test-shows",
    archiveBucket: "radio-test-archive",
    recipient: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2Jd0Yk0xkOZmeq3P1hCMxgL3Fk1gBkL0hJ0V1o7u3m",
};
const emergency = { bucket: "radio-test-shows", region: "eu-central-1", limitMiB: 1024 };
const enrolled = (role: MachineRole) => mergeRoles(role, enrolledRole(["ssh-ed25519 engineer"]));

const roles: [string, MachineRole][] = [
    ["Relay", enrolled(renderRelay(relayPlan({ icecast: "2.5", offersLinks: true })))],
    [
        "Relay of the canary",
        canaryRole(relayPlan({ region: undefined }), { drainLimitSeconds: 60, closePerSecond: 5 }),
    ],
    ["Master", enrolled(renderMaster(masterPlan({ emergency })))],
    ["playout by a playlist", enrolled(renderAirtime(airtimePlan({ backup })))],
    ["playout by LibreTime", enrolled(renderAirtime(libretimePlan({ backup })))],
];

/** Units of Debian's that run on every machine, and read files of ours. */
const debianUnits = [
    "ssh.service",
    "systemd-journald.service",
    "systemd-sysctl.service",
    "systemd-timesyncd.service",
];

const unitFolder = "/etc/systemd/system/";

/** The text of a unit's file; that of an instance is its template's. */
function unitText(role: MachineRole, unit: string): string {
    const paths = [unit, unit.replace(/@[^.]*/, "@")].map((name) => unitFolder + name);
    return role.files.find(({ path }) => paths.includes(path))?.content ?? "";
}

/** Words of a unit's settings of this name. */
function words(text: string, name: string): string[] {
    return [...text.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].flatMap(([, value = ""]) =>
        value.split(" "),
    );
}

function isOneshot(text: string): boolean {
    return words(text, "Type").includes("oneshot");
}

/** Units that the role starts and that then run, or count as running. */
function runningUnits(role: MachineRole): string[] {
    return role.units.filter((unit) => {
        const text = unitText(role, unit);
        return (
            unit.endsWith(".service") &&
            text.includes("\n[Install]\n") &&
            (!isOneshot(text) || words(text, "RemainAfterExit").includes("yes"))
        );
    });
}

/** The role's modules that a program of Python imports, and those that these import. */
function importedBy(role: MachineRole, path: string, known = new Set<string>()): Set<string> {
    const text = role.files.find((file) => file.path === path)?.content ?? "";
    const names = [...text.matchAll(/^(?:from|import) (\w+)/gm)].map(
        ([, name]) => `${programFolder}/${name}`,
    );
    const modules = role.files
        .map((file) => file.path)
        .filter((module) => names.some((name) => module === `${name}.py` || module.startsWith(`${name}/`)));
    for (const module of modules.filter((one) => !known.has(one))) {
        known.add(module);
        importedBy(role, module, known);
    }
    return known;
}

/** Files of the role that a program keeps in memory while the unit runs. */
function filesInUse(role: MachineRole, unit: string): string[] {
    const text = unitText(role, unit);
    if (isOneshot(text)) {
        return [];
    }
    // One that runs in slots is named by its template; its first slot stands for all.
    const instance = /@([^.]*)/.exec(unit)?.[1] || "a";
    const named = [
        ...words(text, "ExecStart"),
        ...words(text, "LoadCredential").map((word) => word.replace(/^[^:]*:/, "")),
    ].map((word) => word.replaceAll("%i", instance));
    const own = role.files.filter(({ path }) => named.includes(path));
    const included = own.flatMap(({ content }) =>
        [...content.matchAll(/^%include "(.*)"$/gm)].map(([, path = ""]) => path),
    );
    return [
        ...own.map(({ path }) => path),
        ...included,
        ...own.flatMap(({ path }) => [...importedBy(role, path)]),
    ];
}

describe.each(roles)("the services of a %s", (_, role) => {
    const entryOf = (unit: string) => role.services.find((service) => service.unit === unit);

    it("are all units that run there, each once", () => {
        expect(runningUnits(role).filter((unit) => !entryOf(unit))).toEqual([]);
        const names = role.services.map(({ unit }) => unit);
        expect(new Set(names).size).toBe(names.length);
    });

    it("are units of the role, or of Debian", () => {
        const strangers = role.services.filter(
            ({ unit }) => !role.units.includes(unit) && !debianUnits.includes(unit),
        );
        expect(strangers).toEqual([]);
    });

    it("read files that the role has", () => {
        const missing = role.services.flatMap((service) =>
            service.reads.filter(
                (place) => !role.files.some(({ path }) => readsFile({ reads: [place] }, path)),
            ),
        );
        expect(missing).toEqual([]);
    });

    it("read all files that their programs keep in memory, so that a change of one reaches them", () => {
        const unnoticed = runningUnits(role).flatMap((unit) =>
            filesInUse(role, unit)
                .filter((path) => !readsFile(entryOf(unit)!, path))
                .map((path) => `${unit}: ${path}`),
        );
        expect(unnoticed).toEqual([]);
    });

    it("are checked by programs and files that are there", () => {
        const paths = role.files.map(({ path }) => path);
        const missing = role.services
            .flatMap(({ check = [] }) => check)
            .filter((word) => word.startsWith("/etc/aerial/") || word.startsWith(programFolder))
            .filter((word) => !paths.includes(word));
        expect(missing).toEqual([]);
    });

    it("restart with packages that the role asks for", () => {
        const asked = role.packages.map((name) => name.replace(/[=/].*/, ""));
        const missing = role.services
            .flatMap(({ packages = [] }) => packages)
            // Debian's `postgresql` depends on the one of the present version.
            .filter((name) => !asked.includes(name.replace(/-\d+$/, "")));
        expect(missing).toEqual([]);
    });
});

it("a search for files in use finds scripts, what they include, credentials, and modules of modules", () => {
    const inUse = (role: string, unit: string) => filesInUse(new Map(roles).get(role)!, unit);
    expect(inUse("Master", "aerial-radio@jazz.service")).toEqual([
        "/etc/aerial/radio/jazz.liq",
        "/etc/aerial/radio-secrets.liq",
    ]);
    expect(inUse("Relay", "aerial-feed.service")).toEqual(
        expect.arrayContaining([
            "/etc/aerial/feed/feed.json",
            "/etc/aerial/feed/password",
            `${programFolder}/aerial-feed`,
            `${programFolder}/feed/alignment.py`,
        ]),
    );
    expect(inUse("playout by a playlist", "aerial-catalogue.service")).toEqual(
        expect.arrayContaining([`${programFolder}/catalogue`, `${programFolder}/audio.py`]),
    );
});

it.each(roles)(
    "a %s has what every machine has, and every program that applies its deliveries",
    (_, role) => {
        const folder = join(__dirname, "../../config-templates/machine/delivery/deliver");
        const modules = readdirSync(folder).map((name) => `${programFolder}/deliver/${name}`);
        const paths = role.files.map(({ path }) => path);
        expect(paths).toEqual(
            expect.arrayContaining([...baseRole().files.map(({ path }) => path), ...modules]),
        );
        expect(paths).toContain("/usr/local/sbin/aerial-receive");
        expect(role.units).toEqual(expect.arrayContaining(baseRole().units));
    },
);
