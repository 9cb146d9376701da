import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect, createServer } from "node:net";

import { readJson, writeJson } from "../workstation/files";
import { serviceLog, serviceState, startService, stopService } from "../workstation/services";
import { waitFor } from "../workstation/wait";
import { labPath } from "../paths";
import { inNamespace } from "./network";

/** The place that machines see as the client when the workstation listens. */
const place = "studio";

const proxies = ["/usr/lib/systemd/systemd-socket-proxyd", "/lib/systemd/systemd-socket-proxyd"];

/**
 * Forwards a port of the workstation, on 127.0.0.1 only, to an address in the lab, so that its browsers and players hear
 * the stream. The workstation gets neither an interface nor a route: the socket is bound in the workstation's namespace,
 * and a proxy in one of the lab's namespaces serves it. A port forward to another target is replaced; one to the same
 * target stays, with its listeners.
 *
 * @throws when another program has the port.
 */
export async function openPortForward(
    port: number,
    target: { address: string; port: number },
): Promise<void> {
    const proxy = proxies.find((path) => existsSync(path));
    if (proxy === undefined) {
        throw new Error("this workstation lacks systemd-socket-proxyd, which comes with systemd");
    }
    const name = serviceName(port);
    const goal = `${target.address}:${target.port}`;
    const record = labPath("services", `${name}.json`);
    if (serviceState(name) === "running" && readJson(record) === goal) {
        return;
    }
    await closePortForward(port);
    await mustBeFree(port);
    const forward = inNamespace(place, [proxy, goal]);
    await startService(name, ["systemd-socket-activate", `--listen=127.0.0.1:${port}`, ...forward]);
    await waitFor(() => accepts(port), {
        limitMs: 5000,
        everyMs: 50,
        complaint: () => `port ${port} does not open; see ${serviceLog(name)}`,
    });
    writeJson(record, goal);
}

/** Closes a port forward. Does nothing when there is none. */
export async function closePortForward(port: number): Promise<void> {
    await stopService(serviceName(port));
}

function serviceName(port: number): string {
    return `port-forward-${port}`;
}

async function mustBeFree(port: number): Promise<void> {
    const probe = createServer().listen(port, "127.0.0.1");
    try {
        await once(probe, "listening");
    } catch (error) {
        const another = "choose another one: AERIAL_LISTEN_PORT=8801 make up";
        throw new Error(`port ${port} of 127.0.0.1 cannot be used (${String(error)}); ${another}`, {
            cause: error,
        });
    }
    probe.close();
    await once(probe, "close");
}

async function accepts(port: number): Promise<boolean> {
    const socket = connect(port, "127.0.0.1");
    try {
        await once(socket, "connect");
        return true;
    } catch {
        return false;
    } finally {
        socket.destroy();
    }
}
