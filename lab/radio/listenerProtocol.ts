import type { PlayerOptions } from "./player";
import type { ListenReport } from "./report";

/** What is said to the process that holds the players of one network namespace. */
export type ToListeners = { id: number; start: PlayerOptions } | { id: number; stop: true };

/** What it says: a player's experience so far several times a second, and once at its end. */
export interface FromListeners {
    id: number;
    report: ListenReport;
    final: boolean;
}
