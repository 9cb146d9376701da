import { closeSync, openSync } from "node:fs";
import { connect } from "node:net";
import { dirname, basename, join } from "node:path";

/**
 * Sends one command to a Liquidsoap server socket and returns the answer.
 *
 * @throws when there is no answer within `limitMs`, as from a frozen process.
 */
export function askLiquidsoap(socket: string, command: string, limitMs = 2000): Promise<string> {
    // A socket's path has at most 107 bytes, and a checkout's may be longer; the folder's descriptor makes it short.
    const folder = openSync(dirname(socket), "r");
    return new Promise<string>((resolve, reject) => {
        const connection = connect(join(`/proc/self/fd/${folder}`, basename(socket)));
        let answer = "";
        const timer = setTimeout(() => connection.destroy(new Error("no answer")), limitMs);
        connection.on("connect", () => connection.write(`${command}\n`));
        connection.on("data", (data: Buffer) => {
            answer += data.toString("utf8");
            const end = answer.search(/^END\r?$/m);
            if (end >= 0) {
                resolve(answer.slice(0, end).trim());
                connection.end("quit\n");
            }
        });
        connection.on("error", reject);
        connection.on("close", () => {
            clearTimeout(timer);
            reject(new Error("closed without an answer"));
        });
    }).finally(() => closeSync(folder));
}
