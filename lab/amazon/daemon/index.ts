import { serviceState, startService } from "../../workstation/services";
import { withLock } from "../../workstation/lock";
import { ensureNetwork, inNetwork } from "../../network/network";
import { cacheFolder, labFolder, labPath } from "../../paths";
import { buildProgram } from "../../cloud/build";
import { labMode } from "../../cloud/mode";

const service = "aws";

/**
 * Starts the daemon that is Amazon's part of the lab, unless it runs: see daemon.ts. In record mode there is none. It
 * keeps nothing in memory that matters, so it may be killed at any time.
 */
export async function ensureDaemon(): Promise<void> {
    if (labMode() === "record") {
        return;
    }
    await ensureNetwork();
    await withLock(labPath("locks", "aws"), async () => {
        if (serviceState(service) === "running") {
            return;
        }
        const script = await buildProgram("aws-daemon", "../amazon/daemon/daemon");
        const environment = {
            PATH: process.env.PATH,
            LANG: "C.UTF-8",
            AERIAL_LAB: labFolder,
            AERIAL_CACHE: cacheFolder,
            AERIAL_LAB_MODE: "machines",
        };
        // An error that nobody foresaw must not leave groups alone.
        const again = 'while :; do "$@"; sleep 1; done';
        const argv = inNetwork(service, ["sh", "-c", again, "sh", process.execPath, script]);
        await startService(service, argv, { env: environment });
    });
}
