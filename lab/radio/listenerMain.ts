/**
 * The process that holds the players of one network namespace: started there by `startListener`, told by messages what
 * to play. Ends with its parent.
 */
import type { FromListeners, ToListeners } from "./listenerProtocol";
import { Player } from "./player";

const reportEveryMs = 200;
const players = new Map<number, Player>();

function tell(message: FromListeners): void {
    process.send?.(message);
}

process.on("message", (message: ToListeners) => {
    if ("start" in message) {
        players.set(message.id, new Player(message.start));
        return;
    }
    const player = players.get(message.id);
    players.delete(message.id);
    void player?.stop().then((report) => tell({ id: message.id, report, final: true }));
});

process.on("disconnect", () => process.exit(0));

// The terminal's Ctrl-C is the parent's to answer: it stops its listeners and wants their last reports.
process.on("SIGINT", () => undefined);

setInterval(() => {
    for (const [id, player] of players) {
        tell({ id, report: player.report(), final: false });
    }
}, reportEveryMs);
