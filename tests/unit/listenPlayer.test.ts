import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { parsePlaylist, Player, type PlayerOptions } from "../../lab/radio/player";
import type { ListenReport } from "../../lab/radio/report";

const frame = Buffer.alloc(626, 0x55);
frame.set([0xff, 0xfb, 0xb0, 0x40]);
const frames = (seconds: number): Buffer =>
    Buffer.concat(Array.from({ length: Math.round((seconds * 44100) / 1152) }, () => frame));

const servers: Server[] = [];

/** A server whose stream is a burst and then whatever `then` does. Returns its URL. */
async function serve(burstSeconds: number, then: "close" | "hang" | "stream" | number): Promise<string> {
    const server = createServer((_, response) => {
        if (typeof then === "number") {
            response.writeHead(then).end();
            return;
        }
        response.writeHead(200, { "Content-Type": "audio/mpeg" });
        response.write(frames(burstSeconds));
        if (then === "close") {
            response.end();
        } else if (then === "stream") {
            const timer = setInterval(() => response.write(frames(0.2)), 200);
            response.on("close", () => clearInterval(timer));
        }
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/main.mp3`;
}

afterEach(() => {
    for (const server of servers.splice(0)) {
        server.closeAllConnections();
        server.close();
    }
});

/** Listens until the report tells enough. */
async function listen(options: Partial<PlayerOptions>, enough: (report: ListenReport) => boolean) {
    const player = new Player({ urls: [], codec: "mp3", prebufferSeconds: 0.2, ...options });
    const deadline = Date.now() + 15_000;
    while (!enough(player.report()) && Date.now() < deadline) {
        await sleep(20);
    }
    return player.stop();
}

/** Whether the nth connection has brought audio. */
const heard =
    (nth: number) =>
    ({ connections }: ListenReport): boolean =>
        (connections[nth - 1]?.bytes ?? 0) > 0;

it("plays a burst and a stream without a gap", async () => {
    const report = await listen(
        { urls: [await serve(3, "stream")] },
        ({ audioSeconds, seconds }) => audioSeconds > 4.5 && seconds > 2,
    );
    expect(report).toMatchObject({ disconnects: 0, failedAttempts: 0, gapSeconds: 0, decoded: false });
    expect(report.timeToFirstByteMs).toBeLessThan(1000 * report.seconds);
    expect(report.buffer.filledSeconds).toBeGreaterThan(2.5);
    expect(report.buffer.lowestSeconds).toBeGreaterThan(0);
    expect(report.longestPauseSeconds).toBeLessThan(report.seconds);
});

it("asks for titles, tells where in the audio they stand, and plays none of their bytes", async () => {
    const answered: unknown[] = [];
    const server = createServer((request, response) => {
        answered.push(request.headers["icy-metadata"]);
        response.writeHead(200, { "Content-Type": "audio/mpeg", "icy-metaint": String(20 * frame.length) });
        const [text, empty] = [Buffer.alloc(33), Buffer.alloc(1)];
        text.write("\u0002StreamTitle='Żółć';", "utf8");
        const pieces = [empty, text, empty].flatMap((block) => [...Array(20).fill(frame), block] as Buffer[]);
        response.write(Buffer.concat(pieces));
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/main.mp3`;
    const report = await listen(
        { urls: [url], titles: true },
        ({ audioSeconds }) => audioSeconds > (58.5 * 1152) / 44100,
    );
    expect(answered).toEqual(["1"]);
    expect(report).toMatchObject({ joints: 0, skippedBytes: 0, titles: [{ title: "Żółć" }] });
    expect(report.titles[0]?.mediaSeconds).toBeCloseTo((39 * 1152) / 44100, 6);
});

it("goes to the next address when a server closes, and plays from its buffer meanwhile", async () => {
    const urls = [await serve(2, "close"), await serve(2, "stream")];
    const report = await listen({ urls }, heard(2));
    expect(report).toMatchObject({ disconnects: 1, failedAttempts: 0, gapSeconds: 0 });
    expect(report.connections.map(({ url, ended }) => [url, ended?.reason])).toEqual([
        [urls[0], "closed by the server"],
        [urls[1], undefined],
    ]);
});

it("passes by a server that refuses and one that is not there", async () => {
    const urls = [await serve(0, 503), "http://127.0.0.1:1/main.mp3", await serve(2, "stream")];
    const report = await listen({ urls }, heard(3));
    expect(report).toMatchObject({ disconnects: 0, failedAttempts: 2, gapSeconds: 0 });
    expect(report.connections[0]?.ended?.reason).toBe("HTTP 503");
    expect(report.timeToFirstByteMs).toBeLessThan(1000 * report.seconds);
});

it("leaves a server that sends nothing any more, once its buffer is empty, and counts that as a gap", async () => {
    const urls = [await serve(1, "hang"), await serve(2, "stream")];
    const report = await listen({ urls, stallSeconds: 0.5 }, heard(2));
    expect(report.disconnects).toBe(1);
    expect(report.connections[0]?.ended?.reason).toBe("stalled");
    expect(report.gapSeconds).toBeGreaterThan(0.3);
    expect(report.gapSeconds).toBeLessThan(report.seconds);
});

it("fetches a playlist and walks its addresses when one fails", async () => {
    const urls = ["http://127.0.0.1:1/main.mp3", await serve(2, "stream")];
    const server = createServer((_, response) =>
        response.end(`#EXTM3U\r\n#EXTINF:-1,One\r\n${urls.join("\r\n")}\r\n`),
    );
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const playlist = `http://127.0.0.1:${(server.address() as AddressInfo).port}/main.mp3.m3u`;
    const report = await listen({ playlist }, heard(2));
    expect(report.connections.map(({ url, address }) => [url, address])).toEqual([
        [urls[0], undefined],
        [urls[1], "127.0.0.1"],
    ]);
    expect(report).toMatchObject({ disconnects: 0, failedAttempts: 1, gapSeconds: 0 });
});

it("reads the addresses of a playlist, whatever its line ends", () => {
    expect(parsePlaylist("#EXTM3U\n#EXTINF:-1,One\nhttps://one/a.mp3\n\n https://two/a.mp3 \r\n")).toEqual([
        "https://one/a.mp3",
        "https://two/a.mp3",
    ]);
    expect(parsePlaylist("")).toEqual([]);
});
