import { journalPort, machineTlsName, monitoringName, type RoleName } from "../../model/monitoring";
import { program, programFolder, templateFile, textFile, unit } from "./files";
import { certificateFolder } from "./metrics";
import type { MachineRole } from "./role";

/*
 * How the journal of a monitored machine comes to the monitoring machine. Nothing on air waits for it: it is read from
 * journald's files, and what the monitoring machine could not take goes there later.
 */

/** Where journals go. */
export interface JournalUploadPlan {
    /** The monitoring machine's address. It outlives the machine, so that a new one changes no other machine. */
    address: string;
    /** For how many days a Relay itself keeps what holds listeners' addresses. */
    addressDays: number;
}

const hostsFile = "/etc/aerial/journal/hosts";
const relayJournalFile = "/etc/systemd/journald.conf.d/listeners.conf";

/** Renders what sends a machine's journal; of a Relay, what puts its listeners there, too. */
export function journalUploadRole(role: RoleName, plan: JournalUploadPlan): MachineRole {
    const server = machineTlsName(monitoringName);
    const upload: MachineRole = {
        packages: ["systemd-journal-remote"],
        files: [
            // The server's certificate is checked for its name, which no DNS knows.
            textFile(hostsFile, `127.0.0.1 localhost\n${plan.address} ${server}\n`),
            unit("machine/journal/aerial-journal-upload.service.eta", {
                ...{ url: `https://${server}:${journalPort}`, certificates: certificateFolder },
                ...{ hosts: hostsFile },
            }),
        ],
        units: ["aerial-journal-upload.service"],
        services: [
            {
                unit: "aerial-journal-upload.service",
                reads: [hostsFile],
                onChange: "restart",
                packages: ["systemd-journal-remote"],
            },
        ],
        maskedUnits: ["systemd-journal-upload.service"],
    };
    return role === "relay" ? withListeners(upload, plan) : upload;
}

function withListeners(upload: MachineRole, { addressDays }: JournalUploadPlan): MachineRole {
    return {
        ...upload,
        files: [
            ...upload.files,
            program("machine/journal/listener-log.py"),
            unit("machine/journal/aerial-listener-log.service"),
            templateFile(relayJournalFile, "unit", "machine/journal/listeners.conf.eta", {
                days: addressDays,
            }),
            templateFile(
                "/etc/systemd/system/aerial-access-log.service.d/days.conf",
                "unit",
                "machine/journal/access-log-days.conf.eta",
                { days: addressDays },
            ),
        ],
        units: [...upload.units, "aerial-listener-log.service"],
        services: [
            { unit: "systemd-journald.service", reads: [relayJournalFile], onChange: "restart" },
            ...upload.services,
            {
                unit: "aerial-listener-log.service",
                reads: [`${programFolder}/listener-log`],
                onChange: "restart",
            },
        ],
    };
}
