/*
 * An Icecast and an NGINX of a Relay stand in a slot. A restart of either begins in a free slot, beside the present ones,
 * which drain.
 */

/** One place of a Relay for an Icecast and the NGINX in front of it. */
export interface Slot {
    /** What stands between the @ and the ending of its units. */
    name: string;
    /** Icecast's sockets, on the loopback address. */
    icecastPorts: number[];
    /** Where the slot's own NGINX answers this machine, whatever the other slots do. */
    nginxPort: number;
}

/** Icecast's queue holds 5 connections for each socket: this many let 3,000 listeners come back in 3 s. */
const icecastSockets = 16;

/** Where a Relay begins. */
export const firstSlot = "a";

/**
 * Two may drain beside the present one: a change that is taken back costs one as well. For a further change within
 * `slotLimitHours`, the listeners of the slot that drains longest are closed, which takes some minutes of `up`.
 */
export const slots: Slot[] = [firstSlot, "b", "c"].map((name, index) => ({
    name,
    icecastPorts: Array.from(
        { length: icecastSockets },
        (_, socket) => 8000 + index * icecastSockets + socket,
    ),
    nginxPort: 8070 + index,
}));

/**
 * How long listeners keep the process that serves them after a change: that of a slot which drains, and NGINX's worker
 * after a reload. Half a day is longer than almost anyone listens; without an end, radios that are never switched off
 * would keep a process for every change there was.
 */
export const slotLimitHours = 12;
