import type { Command } from "commander";

import { dnsStatus, dnsTable } from "../cloudflare/dns/status";
import { listServices, serviceState } from "../workstation/services";
import { execInMachine, listMachines, type Machine } from "../machines/machines";
import { summarize, type RoleSummary } from "./roleStatus";
import { formatTable } from "./table";

/** How long a machine may take to answer; a healthy one takes 0.1 s. */
const answerLimitSeconds = 5;

type MachineStatus = Omit<Machine, "createdAt"> & RoleSummary;

export function register(program: Command): void {
    program
        .command("status")
        .description(
            "show machines, addresses, health, certificates, what each machine plays, listeners, and names",
        )
        .option("--json", "as JSON")
        .action(async ({ json }: { json?: boolean }) => {
            const machines = await Promise.all(listMachines().map(statusOf));
            const services = listServices().map((name) => ({ name, state: serviceState(name) }));
            const names = await dnsStatus();
            if (json) {
                console.log(JSON.stringify({ machines, names, services }, null, 2));
                return;
            }
            console.log(machines.length === 0 ? "No machines (npm run lab -- up)." : machineTable(machines));
            if (names.length > 0) {
                console.log("\n" + formatTable(dnsTable(names)));
            }
            if (services.length > 0) {
                console.log(
                    "\n" + formatTable([["PROCESS", "STATE"], ...services.map((s) => [s.name, s.state])]),
                );
            }
        });
}

/** The machines as a table, for people. */
export function machineTable(machines: readonly MachineStatus[]): string {
    const heading = [
        "MACHINE",
        "REGION",
        "ADDRESS",
        "RESERVED",
        "PRIVATE",
        "STATE",
        "HEALTH",
        "CERTIFICATE",
        "PLAYS",
        "LISTENERS",
    ];
    const rows = machines.map((machine) => [
        machine.name,
        machine.region,
        machine.publicAddress,
        machine.reservedAddresses.join(" "),
        machine.privateAddress?.address ?? "",
        machine.cut === undefined ? machine.state : `${machine.state}, cut ${machine.cut}`,
        machine.health,
        machine.certificate,
        machine.plays,
        machine.listeners === undefined ? "" : String(machine.listeners),
    ]);
    // An empty column only costs width.
    const used = heading.map((_, column) => column === 0 || rows.some((row) => row[column] !== ""));
    return formatTable([heading, ...rows].map((row) => row.filter((_, column) => used[column])));
}

async function statusOf({ createdAt: _, ...machine }: Machine): Promise<MachineStatus> {
    if (machine.state !== "running") {
        return { ...machine, ...summarize(undefined), health: "" };
    }
    try {
        const { stdout } = await execInMachine(machine.id, ["/usr/local/lib/aerial/status"], {
            timeoutSeconds: answerLimitSeconds,
        });
        return { ...machine, ...summarize(JSON.parse(stdout) as unknown) };
    } catch {
        return { ...machine, ...summarize(undefined) };
    }
}
