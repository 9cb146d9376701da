import { existsSync } from "node:fs";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { readJson, writeJson } from "../workstation/files";
import { serviceLog, serviceState, startService, stopService } from "../workstation/services";
import { labPath } from "../paths";
import { inNamespace } from "./network";

/** Whom the lab's machines see when the host listens. */
const place = "studio";

const proxies = ["/usr/lib/systemd/systemd-socket-proxyd", "/lib/systemd/systemd-socket-proxyd"];

/**
 * Opens a port of the host, on 127.0.0.1 only, that leads to an address or name of the lab: a browser or player of the host
 * hears the stream there. The host gets neither an interface nor a route: the socket is bound in the host's namespace
 * and handed to a proxy that lives in one of the lab's. A door that leads elsewhere is replaced; one that leads there
 * already stays, with all who listen through it.
 *
 * @throws when something else has the port.
 */
export async function openPortForward(hostPort: number, target: { address: string; port: number }): Promise<void> {
    const proxy = proxies.find((path) => existsSync(path));
    if (proxy === undefined) {
        throw new Error("systemd-socket-proxyd is missing on this host; it comes with systemd");
    }
    const goal = `${target.address}:${target.port}`;
    const record = labPath("services", `${doorName(hostPort)}.json`);
    if (serviceState(doorName(hostPort)) === "running" && readJson(record) === goal) {
        return;
    }
    await closePortForward(hostPort);
    await mustBeFree(hostPort);
    await startService(doorName(hostPort), [
        "systemd-socket-activate",
        `--listen=127.0.0.1:${hostPort}`,
        ...inNamespace(place, [proxy, goal]),
    ]);
    await untilOpen(hostPort);
    writeJson(record, goal);
}

/** Closes a door. Nothing happens when there is none. */
export async function closePortForward(hostPort: number): Promise<void> {
    await stopService(doorName(hostPort));
}

function doorName(hostPort: number): string {
    return `door-${hostPort}`;
}

function mustBeFree(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
        const probe = createServer();
        probe.once("error", (error) =>
            reject(
                new Error(
                    `port ${port} of 127.0.0.1 is taken (${error.message}); ` +
                        "choose another one: AERIAL_LISTEN_PORT=8801 make up",
                ),
            ),
        );
        probe.listen(port, "127.0.0.1", () => probe.close(() => resolve()));
    });
}

async function untilOpen(port: number): Promise<void> {
    for (let attempt = 0; attempt < 100; attempt++) {
        if (await accepts(port)) {
            return;
        }
        await sleep(50);
    }
    throw new Error(`the door on port ${port} does not open; see ${serviceLog(doorName(port))}`);
}

function accepts(port: number): Promise<boolean> {
    return new Promise((resolve) => {
        const socket = connect(port, "127.0.0.1");
        socket.once("connect", () => resolve(true));
        socket.once("error", () => resolve(false));
        socket.once("connect", () => socket.destroy());
    });
}
