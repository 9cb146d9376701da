import { run } from "../../../lab/workstation/run";
import { inNamespace } from "../../../lab/network/network";

/** HTTP status that a place is answered; `cut` where the connection ends without one. */
export async function statusOf(place: string, url: string, ...options: string[]): Promise<string> {
    const argv = ["curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}"];
    const { stdout } = await run(inNamespace(place, [...argv, "--max-time", "8", ...options, url]), {
        allow: "any",
    });
    return stdout === "000" ? "cut" : stdout;
}

/** Sends a request's header a byte a second. Returns after how many seconds the server cut it off. */
export async function slowHeader(place: string, host: string): Promise<number> {
    const { stdout } = await script(
        place,
        `
        const socket = require("node:net").connect(80, process.argv[1]);
        const started = Date.now();
        socket.write("GET /main.mp3 HTTP/1.1\\r\\nX: ");
        setInterval(() => socket.write("x"), 1000);
        socket.on("error", () => undefined).on("data", () => undefined);
        socket.on("close", () => { console.log((Date.now() - started) / 1000); process.exit(); });
        `,
        host,
    );
    return Number(stdout);
}

/** Opens connections to a stream from one address and holds them. Returns how many were answered what. */
export async function manyConnections(
    place: string,
    host: string,
    path: string,
    count: number,
): Promise<Record<string, number>> {
    const { stdout } = await script(
        place,
        `
        const [host, path, count] = process.argv.slice(1);
        const told = {};
        for (let n = 0; n < count; n++) {
            const socket = require("node:net").connect(80, host);
            socket.write("GET " + path + " HTTP/1.1\\r\\nHost: stream\\r\\n\\r\\n");
            socket.once("data", (data) => {
                const status = data.toString("latin1").slice(9, 12);
                told[status] = (told[status] ?? 0) + 1;
            });
            socket.on("error", () => { told.cut = (told.cut ?? 0) + 1; });
        }
        setTimeout(() => { console.log(JSON.stringify(told)); process.exit(); }, 2500);
        `,
        ...[host, path, String(count)],
    );
    return JSON.parse(stdout) as Record<string, number>;
}

function script(place: string, text: string, ...args: string[]): Promise<{ stdout: string }> {
    return run(inNamespace(place, [process.execPath, "-e", text, ...args]), { timeoutSeconds: 60 });
}
