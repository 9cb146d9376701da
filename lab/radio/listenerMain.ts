/**
 * The process of all players in one network namespace. `startListener` starts it there and tells it by messages what to
 * play. It ends with its parent.
 */
import { Player, type PlayerOptions } from "./player";
import type { ListenReport } from "./report";

/** Messages to this process. */
export type ToListeners = { id: number; start: PlayerOptions } | { id: number; stop: true };

/** Messages from this process: a player's report so far, several times a second, and its last one. */
export interface FromListeners {
    id: number;
    report: ListenReport;
    final: boolean;
}

const reportEveryMs = 200;
const players = new Map<number, Player>();

function send(message: FromListeners): void {
    process.send?.(message);
}

process.on("message", (message: ToListeners) => {
    if ("start" in message) {
        players.set(message.id, new Player(message.start));
        return;
    }
    const player = players.get(message.id);
    players.delete(message.id);
    void player?.stop().then((report) => send({ id: message.id, report, final: true }));
});

process.on("disconnect", () => process.exit(0));

// Ctrl-C also reaches the parent, which then stops its listeners and waits for their last reports.
process.on("SIGINT", () => undefined);

setInterval(() => {
    for (const [id, player] of players) {
        send({ id, report: player.report(), final: false });
    }
}, reportEveryMs);
