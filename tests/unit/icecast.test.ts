import { icecastInstallation } from "../../components/machine/icecast";
import type { MachineRole } from "../../components/machine/role";
import { renderMaster } from "../../components/master/render";
import { renderRelay } from "../../components/relayPool/render";
import { ConfigError } from "../../config/errors";
import { parseStation } from "../../config/station";
import { offeredPackages } from "../../lab/machines/packages";
import { icecastVersions, type IcecastVersion } from "../../model/icecast";
import { masterPlan } from "../support/masterPlan";
import { relayPlan } from "../support/relayPlan";
import { stationConfig } from "../support/station";

const machines: [string, (icecast: IcecastVersion) => MachineRole][] = [
    ["Master", (icecast) => renderMaster(masterPlan({ icecast }))],
    ["Relay", (icecast) => renderRelay(relayPlan({ icecast }))],
];

/** Packages that are asked for by version, or from the backports. */
const fromElsewhere = ({ packages }: Pick<MachineRole, "packages">) =>
    packages.filter((name) => /[=/]/.test(name));

describe.each(machines)("Icecast on a %s", (_name, roleWith) => {
    it("is Debian's own unless the station wants another", () => {
        const role = roleWith(parseStation(stationConfig()).icecast);
        expect(role.packages).toContain("icecast2");
        expect(fromElsewhere(role)).toEqual([]);
        expect(role.files.map(({ path }) => path)).not.toContain("/etc/apt/apt.conf.d/91-aerial-backports");
    });

    it("2.5 comes by name from the backports, and is kept safe there", () => {
        const role = roleWith("2.5");
        expect(fromElsewhere(role)).toEqual(["icecast2=2.5.*", "libigloo0t64/trixie-backports"]);
        expect(role.packages).not.toContain("icecast2");
        expect(role.files.map(({ path }) => path)).toContain("/etc/apt/apt.conf.d/91-aerial-backports");
    });
});

it("the lab offers what machines ask the backports for, and nothing else", () => {
    expect(offeredPackages).toEqual(icecastVersions.map(icecastInstallation).flatMap(fromElsewhere));
});

it("a version without quotes is a number for YAML, and refused with the remedy", () => {
    let found: unknown;
    try {
        parseStation({ ...stationConfig(), icecast: 2.5 });
    } catch (error) {
        found = error instanceof ConfigError ? error.mistakes : error;
    }
    expect(found).toEqual([
        { key: "aerial:station.icecast", value: "2.5", remedy: 'use "2.4" or "2.5", in quotes' },
    ]);
});
