import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { writeAtomically } from "../host/files";
import { withLock } from "../host/lock";
import { run, type RunResult } from "../host/run";
import { serviceLog, serviceState, startService } from "../host/services";
import { ensureImage, imageCommand, type ImageBind } from "../machines/image";
import { ensureNetwork } from "../network/network";
import { labPath } from "../paths";
import { readDnsData } from "../providers/cloudflare/cloud";
import { serverFiles, type ServerFiles } from "./gdnsd";

/** The server's process and its namespace in the lab. */
export const dnsService = "dns";

/** How long the server may take to start or to replace itself: it first checks the health of every member once. */
const readyLimitSeconds = 30;

/** Makes the network and starts its DNS server, unless they are there: it answers for the lab's own names at once. */
export async function ensureDns(): Promise<void> {
    await applyDns();
}

/**
 * Makes the server answer by what is recorded now; returns when it does. A running server goes on answering while a
 * successor of it starts with the new configuration and checks health; then that takes over.
 */
export async function applyDns(): Promise<void> {
    await ensureImage();
    await ensureNetwork();
    await withLock(labPath("dns", "lock"), async () => {
        const wanted = serverFiles(readDnsData());
        const present = readFiles();
        if (serviceState(dnsService) === "off") {
            writeFiles(wanted);
            await start();
        } else if (wanted.config !== present.config) {
            await replaceBy(wanted, present);
        } else if (wanted["zones/ROOT_ZONE"] !== present["zones/ROOT_ZONE"]) {
            writeFiles(wanted);
            await control("reload-zones");
        }
    });
}

async function replaceBy(wanted: ServerFiles, present: Partial<ServerFiles>): Promise<void> {
    writeFiles(wanted);
    try {
        await control("replace");
    } catch (error) {
        // So that the next change is one again, and does not take this one for done.
        writeFiles({ config: "", "zones/ROOT_ZONE": "", ...present });
        throw error;
    }
}

async function start(): Promise<void> {
    mkdirSync(labPath("dns", "run"), { recursive: true });
    await startService(
        dnsService,
        imageCommand(["gdnsd", "start"], { netns: dnsService, binds: serverBinds() }),
    );
    const deadline = Date.now() + readyLimitSeconds * 1000;
    while ((await run(controlCommand("status"), { allow: "any" })).code !== 0) {
        if (serviceState(dnsService) === "off" || Date.now() > deadline) {
            const said = readFileSync(serviceLog(dnsService), "utf8")
                .trim()
                .split("\n")
                .slice(-10)
                .join("\n");
            throw new Error(`the lab's DNS server does not start:\n${said}`);
        }
        await sleep(100);
    }
}

/** Asks the running server to do something. */
export async function control(action: string): Promise<RunResult> {
    const result = await run(controlCommand(action), { allow: "any" });
    if (result.code !== 0) {
        const said = readFileSync(serviceLog(dnsService), "utf8").trim().split("\n").slice(-10).join("\n");
        throw new Error(`the lab's DNS server refuses to ${action}: ${result.stderr.trim()}\n${said}`);
    }
    return result;
}

function controlCommand(action: string): string[] {
    return imageCommand(["gdnsdctl", "-o", "-t", String(readyLimitSeconds), action], {
        binds: serverBinds(),
    });
}

/** Its configuration, and the folder with its control socket. */
function serverBinds(): ImageBind[] {
    return [
        { source: labPath("dns", "etc"), target: "/etc/gdnsd" },
        { source: labPath("dns", "run"), target: "/run/gdnsd", writable: true },
    ];
}

const fileNames = ["config", "zones/ROOT_ZONE"] as const;

function readFiles(): Partial<ServerFiles> {
    const texts = fileNames
        .map((name): [string, string] => [name, labPath("dns", "etc", name)])
        .filter(([, path]) => existsSync(path))
        .map(([name, path]) => [name, readFileSync(path, "utf8")]);
    return Object.fromEntries(texts) as Partial<ServerFiles>;
}

function writeFiles(files: ServerFiles): void {
    for (const name of fileNames) {
        writeAtomically(labPath("dns", "etc", name), files[name], 0o644);
    }
}
