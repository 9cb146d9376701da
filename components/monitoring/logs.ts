import { createHash } from "node:crypto";

import { journalPort, machineTlsName } from "../../model/monitoring";
import { program, templateFile, textFile, unit } from "../machine/files";
import { certificateFolder } from "../machine/metrics";
import type { MachineFile, MachineRole } from "../machine/role";
import type { LogsPlan } from "./plan";

/*
 * The journals of all machines. systemd-journal-remote writes them, each machine's into files of its own. Debian 13's has no
 * TLS (built without GnuTLS; 257.13 says "Option --trust= is not available"), so NGINX stands in front of it. It admits only
 * who has the certificate of a machine of this station, and tells journal-remote which one by the loopback address that it
 * connects from: that is the name of the machine's files.
 */

/** Where other machines' journals are. */
export const journalFolder = "/var/log/journal/remote";

const gateConfiguration = "/etc/aerial/journal/nginx.conf";
const remoteConfiguration = "/etc/systemd/journal-remote.conf.d/aerial.conf";
const machinesFile = "/etc/aerial/journal/machines";
const remotePort = 19531;
/** What journals may take beyond their limit: it is looked at once a day. */
const dayMiB = 1024;

/**
 * Renders what takes and keeps the journals of these machines.
 *
 * @throws when two machines' names give the same loopback address: one of them needs another name.
 */
export function logsRole(plan: LogsPlan, machines: readonly string[]): MachineRole {
    const addresses = addressesOf(machines);
    return {
        packages: ["nginx", "systemd-journal-remote"],
        files: [
            templateFile(gateConfiguration, "nginx", "monitoring/logs/nginx.conf.eta", {
                ...{ port: journalPort, remotePort, certificates: certificateFolder },
                machines: machines.map((machine) => ({
                    tlsName: machineTlsName(machine),
                    address: addresses[machine],
                })),
            }),
            machineList(addresses),
            templateFile(remoteConfiguration, "unit", "monitoring/logs/journal-remote.conf.eta", {
                maxUseMiB: plan.limitMiB + dayMiB,
            }),
            unit("monitoring/logs/aerial-journal-gate.service.eta", { configuration: gateConfiguration }),
            unit("monitoring/logs/aerial-journals.service.eta", {
                ...{ remotePort, folder: journalFolder },
            }),
            unit("monitoring/logs/aerial-journals-keep.service.eta", { ...plan, folder: journalFolder }),
            unit("monitoring/logs/aerial-journals-keep.timer"),
            program("monitoring/logs/keep-journals.sh"),
        ],
        units: ["aerial-journals.service", "aerial-journal-gate.service", "aerial-journals-keep.timer"],
        services: [
            {
                unit: "aerial-journals.service",
                reads: [remoteConfiguration],
                onChange: "restart",
                packages: ["systemd-journal-remote"],
            },
            {
                unit: "aerial-journal-gate.service",
                reads: [gateConfiguration, `${certificateFolder}/`],
                onChange: "reload",
                check: ["nginx", "-q", "-t", "-c", gateConfiguration],
                packages: ["nginx"],
            },
        ],
        maskedUnits: [
            "nginx.service",
            "systemd-journal-remote.service",
            "systemd-journal-remote.socket",
            "systemd-journal-upload.service",
        ],
    };
}

/** For people: whose files begin with which address. */
function machineList(addresses: Record<string, string>): MachineFile {
    const lines = Object.entries(addresses).map(([machine, address]) => `${address} ${machine}\n`);
    return textFile(machinesFile, lines.join(""));
}

/** A loopback address for each machine. It follows from the name, so that others may come and go. */
function addressesOf(machines: readonly string[]): Record<string, string> {
    const found: Record<string, string> = {};
    for (const machine of machines) {
        const [one = 0, two = 0, three = 0] = createHash("sha256").update(machine).digest();
        // Not 127.0.0.0/8's first, which this machine itself uses.
        const address = `127.${1 + (one % 254)}.${two}.${1 + (three % 254)}`;
        const other = Object.entries(found).find(([, taken]) => taken === address);
        if (other) {
            throw new Error(
                `the journals of ${machine} and ${other[0]} would be in one file: give one of them another name`,
            );
        }
        found[machine] = address;
    }
    return found;
}
