import {
    bootMachine,
    cutMachine,
    execInMachine,
    findMachine,
    freezeMachine,
    killMachine,
    thawMachine,
    uncutMachine,
} from "../../lab/machines/machines";

/** What can happen to a Master, and what ends it. */
export interface Fault {
    name: string;
    happens: (machine: string) => Promise<unknown>;
    /** Absent where the Master helps itself. */
    ends?: (machine: string) => Promise<unknown>;
    /** Whether the Master's programs begin anew. */
    restarts: boolean;
}

const idOf = (machine: string): string => findMachine(machine).id;

const kill = (machine: string, unit: string): Promise<unknown> =>
    execInMachine(idOf(machine), ["systemctl", "kill", "--signal=KILL", unit]);

/** The faults of a Master of one channel. */
export function faultsOf(channel: string): Fault[] {
    return [
        {
            name: "Icecast killed",
            happens: (machine) => kill(machine, "aerial-icecast.service"),
            restarts: true,
        },
        {
            name: "frozen",
            happens: (machine) => freezeMachine(idOf(machine)),
            ends: (machine) => thawMachine(idOf(machine)),
            restarts: false,
        },
        {
            name: "power cut",
            happens: (machine) => killMachine(idOf(machine)),
            ends: (machine) => bootMachine(idOf(machine)),
            restarts: true,
        },
        {
            name: "network cut",
            happens: (machine) => cutMachine(idOf(machine)),
            ends: (machine) => uncutMachine(idOf(machine)),
            restarts: false,
        },
        {
            name: "Liquidsoap killed",
            happens: (machine) => kill(machine, `aerial-radio@${channel}.service`),
            restarts: true,
        },
    ];
}
