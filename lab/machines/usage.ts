import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

import { cgroups, cgroupProcesses } from "../workstation/cgroups";
import { labCgroup } from "../paths";

/** What a unit of a machine uses of the workstation, read from outside: the machine does nothing for it. */
export interface UnitUsage {
    /** Such as `aerial-icecast.service`. */
    unit: string;
    /** Its oldest process: another number means that it was started again. */
    process: number;
    /** Of one processor, since it was started. */
    processorSeconds: number;
    /** Its share of the memory that its processes have mapped (PSS). What the kernel holds for sockets is not in it. */
    memoryMiB: number;
    /** Open files and sockets of all its processes. */
    descriptors: number;
}

/** The units of ours that have processes in a machine now; none when it is off. */
export function machineUsage(id: string): UnitUsage[] {
    return cgroups(labCgroup("machines", id))
        .filter((folder) => /^aerial-.*\.service$/.test(basename(folder)))
        .flatMap((folder) => {
            const processes = cgroupProcesses(folder);
            return processes.length === 0 ? [] : [usageOf(folder, processes)];
        });
}

function usageOf(folder: string, processes: readonly number[]): UnitUsage {
    const used = /^usage_usec (\d+)$/m.exec(read(join(folder, "cpu.stat")))?.[1] ?? "0";
    return {
        unit: basename(folder),
        process: Math.min(...processes),
        processorSeconds: Number(used) / 1e6,
        memoryMiB: sum(processes.map(memoryKiB)) / 1024,
        descriptors: sum(processes.map(countDescriptors)),
    };
}

function memoryKiB(process: number): number {
    return Number(/^Pss: +(\d+) kB$/m.exec(read(`/proc/${process}/smaps_rollup`))?.[1] ?? "0");
}

function countDescriptors(process: number): number {
    try {
        return readdirSync(`/proc/${process}/fd`).length;
    } catch {
        return 0;
    }
}

/** A file of a process, which may end at any moment. */
function read(file: string): string {
    try {
        return readFileSync(file, "utf8");
    } catch {
        return "";
    }
}

function sum(values: readonly number[]): number {
    return values.reduce((total, value) => total + value, 0);
}
