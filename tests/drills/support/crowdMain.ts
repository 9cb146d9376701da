/**
 * The process that a crowd of listeners is in: started by `Crowd` in a client's network. It parses nothing but the
 * status line and counts bytes, so that a small machine can hold thousands. Ends with its parent.
 */
import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectSecure, createSecureContext } from "node:tls";

export interface CrowdPlan {
    count: number;
    /** Addresses of Relays; members take them in turn. */
    servers: string[];
    /** Where those go whose connection was lost, at once and once; they stay away when absent. */
    next?: string;
    /** The mount, for example `/main.aac`. */
    path: string;
    /** By TLS: the name to ask for, and the only trusted roots as PEM. */
    secure?: { name: string; ca: string };
    /** Source addresses, taken in turn. */
    addresses: string[];
    /** How many come in a second. */
    perSecond: number;
    /** Who has received this much plays. */
    playingBytes: number;
}

export interface CrowdReport {
    /** Members with audio now. */
    playing: number;
    /** Members that play for the second time, after a loss. */
    playingAgain: number;
    /** Connections lost that had brought audio. */
    dropped: number;
    /** Attempts refused or broken before audio, and why. */
    failed: number;
    reasons: Record<string, number>;
    bytes: number;
    /** From the first loss to the last return so far, in ms. */
    lastAgainAfterMs: number;
    /** The same for half of them. */
    halfAgainAfterMs: number;
    /** From the first to the last loss: how much at once it was. */
    lossSpreadMs: number;
}

const reasons: Record<string, number> = {};
let playing = 0;
let dropped = 0;
let failed = 0;
let bytes = 0;
let firstLossAt = 0;
let lastLossAt = 0;
const againAt: number[] = [];

process.once("message", (plan: CrowdPlan) => {
    const context = plan.secure && createSecureContext({ ca: plan.secure.ca, minVersion: "TLSv1.2" });
    let come = 0;
    const timer = setInterval(() => {
        for (let n = 0; n < plan.perSecond / 20 && come < plan.count; n++, come++) {
            listen(come, plan.servers[come % plan.servers.length] ?? "", false);
        }
        if (come === plan.count) {
            clearInterval(timer);
        }
    }, 50);

    function listen(member: number, host: string, again: boolean): void {
        const place = { host, localAddress: plan.addresses[member % plan.addresses.length] };
        const socket: Socket = plan.secure
            ? connectSecure({ ...place, port: 443, servername: plan.secure.name, secureContext: context })
            : connectPlain({ ...place, port: 80 });
        const name = plan.secure?.name ?? host;
        let received = 0;
        let plays = false;
        let reason = "closed";
        socket.on(plan.secure ? "secureConnect" : "connect", () => {
            socket.write(`GET ${plan.path} HTTP/1.1\r\nHost: ${name}\r\nUser-Agent: crowd\r\n\r\n`);
        });
        socket.on("data", (data: Buffer) => {
            if (received === 0) {
                const status = data.subarray(9, 12).toString("latin1");
                if (status !== "200") {
                    reason = `HTTP ${status}`;
                    socket.destroy();
                    return;
                }
            }
            received += data.length;
            bytes += data.length;
            if (!plays && received >= plan.playingBytes) {
                plays = true;
                playing++;
                if (again) {
                    againAt.push(Date.now());
                }
            }
        });
        socket.on("error", (error) => {
            reason = error.message;
        });
        // A stream that ends is a loss; nobody waits for the other side's last word.
        socket.on("end", () => socket.destroy());
        socket.on("close", () => {
            if (!plays) {
                failed++;
                reasons[reason] = (reasons[reason] ?? 0) + 1;
                return;
            }
            playing--;
            dropped++;
            lastLossAt = Date.now();
            firstLossAt ||= lastLossAt;
            if (plan.next !== undefined && !again) {
                listen(member, plan.next, true);
            }
        });
    }
});

setInterval(() => {
    const report: CrowdReport = {
        ...{ playing, playingAgain: againAt.length, dropped, failed, reasons, bytes },
        lastAgainAfterMs: againAt.length === 0 ? 0 : (againAt.at(-1) ?? 0) - firstLossAt,
        halfAgainAfterMs: againAt.length === 0 ? 0 : (againAt[againAt.length >> 1] ?? 0) - firstLossAt,
        lossSpreadMs: lastLossAt - firstLossAt,
    };
    if (process.connected) {
        process.send?.(report);
    }
}, 400);

process.on("disconnect", () => process.exit(0));
