import { jsonFile, program, pythonModule, unit } from "../machine/files";
import type { MachineRole } from "../machine/role";
import { journalFolder } from "./logs";
import type { MonitoringPlan } from "./plan";

const configurationFile = "/etc/aerial/figures.json";

const modules = ["counting", "days", "lines", "players", "report", "sessions", "store"];

/** Renders what makes figures of who listened out of the Relays' journals. */
export function figuresRole({ figures, logs, machines, stationName, timeZone }: MonitoringPlan): MachineRole {
    const { channels, countries, soundExchange } = figures;
    return {
        packages: ["python3", "tzdata", ...(countries ? ["libloc-database", "python3-location"] : [])],
        files: [
            jsonFile(configurationFile, {
                ...{ station: stationName, timeZone, channels, countries, soundExchange },
                addressDays: logs.addressDays,
                journals: journalFolder,
                // Machines of the station listen to each other.
                stationAddresses: Object.values(machines).map(({ address }) => address),
            }),
            program("monitoring/figures/aerial-figures.py"),
            ...modules.map((name) => pythonModule(`monitoring/figures/figures/${name}.py`, "figures")),
            unit("monitoring/figures/aerial-figures.service.eta", { configuration: configurationFile }),
            unit("monitoring/figures/aerial-figures.timer"),
        ],
        units: ["aerial-figures.timer"],
        services: [],
        maskedUnits: [],
    };
}
