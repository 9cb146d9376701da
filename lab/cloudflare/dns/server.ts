import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { readJson, writeAtomically, writeJson } from "../../workstation/files";
import { withLock } from "../../workstation/lock";
import { run, type RunResult } from "../../workstation/run";
import { serviceLog, serviceState, startService } from "../../workstation/services";
import { ensureImage, imageCommand, type ImageBind } from "../../machines/image";
import { ensureNetwork } from "../../network/network";
import { labPath } from "../../paths";
import { readDnsData } from "../records";
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
        const present = appliedFiles();
        const running = serviceState(dnsService) !== "off";
        if (running && fileNames.every((name) => wanted[name] === present[name])) {
            return;
        }
        // Whatever interrupts this, the next call knows that it is not done.
        rmSync(appliedFile(), { force: true });
        for (const name of fileNames) {
            writeAtomically(labPath("dns", "etc", name), wanted[name], 0o644);
        }
        if (!running) {
            await start();
        } else {
            await control(wanted.config === present.config ? "reload-zones" : "replace");
        }
        writeJson(appliedFile(), wanted);
    });
}

const fileNames = ["config", "zones/ROOT_ZONE"] as const;

function appliedFile(): string {
    return labPath("dns", "applied.json");
}

/** What the server answers by; nothing when that is not certain. */
function appliedFiles(): Partial<ServerFiles> {
    return (readJson(appliedFile()) as ServerFiles | undefined) ?? {};
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
    // What else there is may be asked while a successor takes over, and asks again then.
    const once = action === "status" ? ["-o"] : [];
    const argv = ["gdnsdctl", ...once, "-t", String(readyLimitSeconds), action];
    return imageCommand(argv, { binds: serverBinds() });
}

/** Its configuration, and the folder with its control socket. */
function serverBinds(): ImageBind[] {
    return [
        { source: labPath("dns", "etc"), target: "/etc/gdnsd" },
        { source: labPath("dns", "run"), target: "/run/gdnsd", writable: true },
    ];
}
